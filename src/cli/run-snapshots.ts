import type { RunResult } from '../commands/index.js';
import { isAbort, systemClock, toAppError, type AppEvent, type EventSink } from '../core/index.js';
import { exitStatus } from './exit-status.js';
import { tellFindings } from './findings-told.js';
import { tellPrograms } from './programs-run.js';
import type { Output } from './render/index.js';
import { openReport } from './report.js';
import { processSignals } from './signals.js';
import { startTally } from './tally.js';
import type { Telling } from './telling.js';

/** What is told of a run, and where. */
export interface RunTelling {
  readonly telling: Telling;
  /** The file for what validation finds. */
  readonly reportFile: string | undefined;
}

/** What the work of a run gets. */
export interface RunTools {
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** Runs work on several snapshots and says how it ended. Returns the exit status; throws what concerns all. */
export async function runSnapshots(
  { telling, reportFile }: RunTelling,
  output: Output,
  work: (tools: RunTools) => Promise<RunResult>,
): Promise<number> {
  using report = await openReport(output, telling);
  using signals = processSignals((sentence) => report.say(sentence));
  const tally = startTally(systemClock);
  using findings = tellFindings({ reportFile, isComplete: telling.json }, (event) => report.event(event));
  const events = (event: AppEvent): void => {
    tally.event(event);
    findings.event(event);
  };
  using _programs = tellPrograms(events);
  try {
    const { done, failed } = await work({ events, signal: signals.signal });
    events({ kind: 'run-finished', ...tally.summary() });
    if (failed.length === 0) return exitStatus.done;
    return done.length + failed.length === 1 ? exitStatus.failed : exitStatus.someSnapshotsFailed;
  } catch (error) {
    // What was done before the end came is worth knowing most of all then.
    const summary = tally.summary();
    const isInterrupted = signals.signal.aborted;
    if (isInterrupted) {
      report.say('Interrupted. What was under way has been undone; what could not be is in the warnings above.');
    } else if (!isAbort(error)) {
      events({ kind: 'run-failed', error: toAppError(error) });
    }
    const { archived, restored, validated, failed } = summary;
    const isWorthTelling = archived + restored + validated.length + failed.length > 0;
    if (isInterrupted || isWorthTelling) events({ kind: 'run-finished', ...summary });
    if (!isInterrupted) throw error;
    return exitStatus.interrupted;
  }
}
