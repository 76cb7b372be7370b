import { migrate } from '../commands/index.js';
import { count } from '../core/index.js';
import { composeMigrate } from './compose.js';
import { exitStatus } from './exit-status.js';
import type { MigrateRequest } from './migrate-options.js';
import { usage } from './options/index.js';
import { chooseRenderer, type Output } from './render/index.js';
import { processSignals } from './signals.js';

/** `snap-to-s3 migrate`: composes, runs, and says how it ended. Returns the exit status; throws what concerns all. */
export async function runMigrate(request: MigrateRequest, output: Output): Promise<number> {
  requireHeeded(request);
  using renderer = chooseRenderer(output, request.telling);
  using signals = processSignals((sentence) => renderer.say(sentence));
  try {
    using dependencies = await composeMigrate({
      bucket: request.bucket,
      needsRoot: true,
      events: (event) => renderer.event(event),
      signal: signals.signal,
    });
    const { archived, failed } = await migrate(request.selection, request.settings, dependencies);
    if (failed.length === 0) return exitStatus.done;
    if (archived.length + failed.length === 1) return exitStatus.failed;
    renderer.say(
      [
        `${count(archived.length, 'snapshot')} archived, ${failed.length} failed:`,
        ...failed.map(({ snapshotId, error }) => `  ${snapshotId}: ${error.message}`),
      ].join('\n'),
    );
    return exitStatus.someSnapshotsFailed;
  } catch (error) {
    if (!signals.signal.aborted) throw error;
    renderer.say('Interrupted. What was under way has been undone; what could not be is in the warnings above.');
    return exitStatus.interrupted;
  }
}

/** What is asked for and not heeded must not look as if it were: an archive that is not encrypted, a run that is none. */
function requireHeeded({ dryRun, settings }: MigrateRequest): void {
  if (dryRun)
    throw usage('migrate --dry-run is not there yet.', 'Leave --dry-run out; then the snapshots are migrated.');
  if (settings.recipients.length > 0) {
    throw usage('--gpg-recipient is not there yet.', 'Leave it out; then the archives are not encrypted with gpg.');
  }
}
