import { migrate } from '../commands/index.js';
import { isAbort, systemClock, toAppError, type AppEvent } from '../core/index.js';
import { composeMigrate } from './compose.js';
import { exitStatus } from './exit-status.js';
import type { MigrateRequest } from './migrate-options.js';
import { tellPrograms } from './programs-run.js';
import type { Output } from './render/index.js';
import { openReport } from './report.js';
import { runPlan } from './run-plan.js';
import { processSignals } from './signals.js';
import { startTally } from './tally.js';

/** `snap-to-s3 migrate`: composes, runs, and says how it ended. Returns the exit status; throws what concerns all. */
export async function runMigrate(request: MigrateRequest, output: Output): Promise<number> {
  if (request.dryRun) return runPlan(request, output);
  using report = openReport(output, request.telling);
  using signals = processSignals((sentence) => report.say(sentence));
  const tally = startTally(systemClock);
  const events = (event: AppEvent): void => {
    tally.event(event);
    report.event(event);
  };
  using _programs = tellPrograms(events);
  try {
    using dependencies = await composeMigrate({
      bucket: request.bucket,
      needsRoot: true,
      events,
      signal: signals.signal,
    });
    const { archived, failed } = await migrate(request.selection, request.settings, dependencies);
    events({ kind: 'run-finished', ...tally.summary() });
    if (failed.length === 0) return exitStatus.done;
    return archived.length + failed.length === 1 ? exitStatus.failed : exitStatus.someSnapshotsFailed;
  } catch (error) {
    // What was archived before the end came is worth knowing most of all then.
    const summary = tally.summary();
    const isInterrupted = signals.signal.aborted;
    if (isInterrupted) {
      report.say('Interrupted. What was under way has been undone; what could not be is in the warnings above.');
    } else if (!isAbort(error)) {
      events({ kind: 'run-failed', error: toAppError(error) });
    }
    if (isInterrupted || summary.archived + summary.failed.length > 0) events({ kind: 'run-finished', ...summary });
    if (!isInterrupted) throw error;
    return exitStatus.interrupted;
  }
}
