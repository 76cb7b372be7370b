import { systemClock, type AppEvent } from '../core/index.js';
import { openLogFile } from './log-file.js';
import { ndjsonLine } from './render/ndjson.js';
import { chooseRenderer, type Output, type Renderer } from './render/index.js';
import type { Detail, Telling } from './telling.js';

/** What only `--verbose` and the log file tell. */
const onlyVerbose: readonly string[] = ['retry', 'slow-call', 'program-started'];
/** What even `--quiet` tells. */
const evenQuiet: readonly string[] = ['warning', 'snapshot-failed', 'run-finished'];

function isTold(event: AppEvent, detail: Detail): boolean {
  // `main` says it, on standard error; the log file has no other way to know.
  if (event.kind === 'run-failed') return false;
  if (detail === 'verbose') return true;
  return detail === 'normal' ? !onlyVerbose.includes(event.kind) : evenQuiet.includes(event.kind);
}

/** What a command tells its user with. */
export interface Report extends Renderer {
  /** Something that the command was asked to find; `--quiet` leaves it out. */
  finding(record: object, sentence: string): void;
  /** What the command has come to. */
  result(record: object, sentence: string): void;
}

/**
 * Opens the output, as detailed as asked for, and the log file, which gets everything. Begins with the warnings about the
 * options. Throws `usage` where the log file cannot be opened. Dispose at the end.
 */
export async function openReport(output: Output, { detail, json, logFile, warnings }: Telling): Promise<Report> {
  const shown = await chooseRenderer(output, { json });
  const onFailure = (text: string): void => shown.event({ kind: 'warning', text });
  const log = logFile === undefined ? undefined : openLogFile(logFile, { clock: systemClock, onFailure });
  const event = (one: AppEvent): void => {
    log?.event(one);
    if (isTold(one, detail)) shown.event(one);
  };
  const result = (record: object, sentence: string): void => {
    log?.record(record);
    output.stdout.write(json ? ndjsonLine(record) : `${sentence}\n`);
  };
  for (const text of warnings) event({ kind: 'warning', text });
  return {
    event,
    result,
    finding: (record, sentence) => {
      if (detail === 'quiet') log?.record(record);
      else result(record, sentence);
    },
    say: (sentence) => {
      log?.say(sentence);
      shown.say(sentence);
    },
    [Symbol.dispose]: () => {
      shown[Symbol.dispose]();
      log?.[Symbol.dispose]();
    },
  };
}
