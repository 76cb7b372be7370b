import { migrate } from '../commands/index.js';
import { composeMigrate } from './compose.js';
import type { MigrateRequest } from './migrate-options.js';
import type { Output } from './render/index.js';
import { runPlan } from './run-plan.js';
import { runSnapshots } from './run-snapshots.js';

/** `snap-to-s3 migrate`. Returns the exit status; throws what concerns all snapshots. */
export async function runMigrate(request: MigrateRequest, output: Output): Promise<number> {
  if (request.dryRun) return runPlan(request, output);
  const { bucket, selection, settings, validate } = request;
  return runSnapshots(request, output, async (tools) => {
    using dependencies = await composeMigrate({ bucket, needsRoot: true, ...tools });
    return await migrate(selection, settings, { ...dependencies, validate });
  });
}
