import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { messageOf, type Clock } from '../core/index.js';
import { usage } from './options/index.js';
import { ndjsonLine, plainEvent, progressLimit } from './render/ndjson.js';
import type { Renderer } from './render/index.js';

/** What a log file needs. */
export interface LogFileOptions {
  readonly clock: Clock;
  /** Told once, with a sentence, when lines can no longer be written; the work goes on. */
  readonly onFailure: (sentence: string) => void;
}

/** A log file that is open. */
export interface LogFile extends Renderer {
  /** Appends what is no event. */
  record(record: object): void;
}

/** Readable by the group at most: descriptions of snapshots and names of files are in it. */
const mode = 0o640;

/**
 * Opens the log file of a run, to which everything is appended as NDJSON with `time` (UTC) first on each line. Lines are
 * written when they are said, so that they are there whatever becomes of the process. Throws `usage` where the file cannot
 * be opened.
 */
export function openLogFile(path: string, { clock, onFailure }: LogFileOptions): LogFile {
  const file = open(path);
  const isTooSoon = progressLimit(clock);
  let state: 'sound' | 'failed' = 'sound';
  // A line that was cut off by a full disk must not take the next one with it.
  let isLineOpen = false;
  const write = (record: object): void => {
    const line = ndjsonLine({ time: new Date(clock.now()).toISOString(), ...record });
    let rest = Buffer.from(`${isLineOpen ? '\n' : ''}${line}`, 'utf8');
    try {
      while (rest.length > 0) {
        rest = rest.subarray(writeSync(file, rest));
        isLineOpen = rest.length > 0;
      }
    } catch (error) {
      if (state === 'failed') return;
      state = 'failed';
      onFailure(`The log file ${path} can no longer be written to: ${messageOf(error)}. The work goes on without it.`);
    }
  };
  return {
    event: (event) => {
      if (!isTooSoon(event)) write(plainEvent(event));
    },
    say: (text) => write({ kind: 'said', text }),
    record: write,
    [Symbol.dispose]: () => closeSync(file),
  };
}

function open(path: string): number {
  try {
    // Non-blocking: opening a pipe that nobody reads must not wait for ever. Files do not know the difference.
    const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
    return openSync(path, O_APPEND | O_CREAT | O_NONBLOCK | O_WRONLY, mode);
  } catch (error) {
    throw usage(
      `The log file ${JSON.stringify(path)} cannot be opened: ${messageOf(error)}.`,
      'Name a file in a folder that exists and that you may write to: --log-file /var/log/snap-to-s3.log',
    );
  }
}
