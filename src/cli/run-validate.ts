import { validate, validateAgainstIndex } from '../commands/index.js';
import { composeMigrate, composeReading } from './compose.js';
import type { Output } from './render/index.js';
import { runSnapshots } from './run-snapshots.js';
import type { ValidateRequest } from './validate-options.js';

/** `snap-to-s3 validate`. Returns the exit status; throws what concerns all snapshots. */
export async function runValidate(request: ValidateRequest, output: Output): Promise<number> {
  const { bucket, selection, settings, against } = request;
  return runSnapshots(request, output, async (tools) => {
    if (against === 'index' && selection.kind !== 'one') {
      using dependencies = composeReading({ bucket, ...tools });
      return await validateAgainstIndex(selection, settings, dependencies);
    }
    using dependencies = await composeMigrate({ bucket, needsRoot: true, ...tools });
    return await validate(selection, settings, dependencies);
  });
}
