import { once } from 'node:events';
import { restore, type RestoreDestination } from '../commands/index.js';
import { AppError } from '../core/index.js';
import { composeMigrate, composeReading } from './compose.js';
import { usage } from './options/index.js';
import type { Output } from './render/index.js';
import type { RestoreRequest, RestoreTo } from './restore-options.js';
import { runSnapshots } from './run-snapshots.js';

/** `snap-to-s3 restore`. Returns the exit status; throws what concerns all archives. */
export async function runRestore(request: RestoreRequest, output: Output): Promise<number> {
  const { bucket, archives, to, partition, thaw, downloadStreams, sessionKeys, telling } = request;
  if (to.kind === 'output' && output.stdout.isTTY) {
    throw usage('Standard output is a terminal.', 'Send it to a program or a file: … --to-stdout | tar --list');
  }
  // What is told must not be among the bytes.
  const told = to.kind === 'output' ? { stdout: output.stderr, stderr: output.stderr } : output;
  return runSnapshots({ telling, reportFile: undefined }, told, async (tools) => {
    const settings = { partition, thaw, downloadStreams, sessionKeys };
    if (to.kind === 'new-volume') {
      using machine = await composeMigrate({ bucket, needsRoot: true, ...tools });
      return await restore(archives, { ...settings, destination: { ...to, machine } }, { ...machine, isRoot: true });
    }
    using dependencies = composeReading({ bucket, ...tools });
    const destination = destinationOf(to, output);
    return await restore(archives, { ...settings, destination }, { ...dependencies, isRoot: process.getuid?.() === 0 });
  });
}

function destinationOf(
  to: Exclude<RestoreTo, { readonly kind: 'new-volume' }>,
  { stdout }: Output,
): RestoreDestination {
  if (to.kind !== 'output') return to;
  let failure: Error | undefined;
  stdout.once('error', (error: Error) => {
    failure = error;
  });
  return {
    kind: 'output',
    write: async (bytes) => {
      if (failure !== undefined || stdout.destroyed) throw readerEnded(failure);
      // A stream may keep what it was given for a while; this memory is used again.
      if (stdout.write(Buffer.from(bytes))) return;
      await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch((error: unknown) => {
        throw readerEnded(error);
      });
    },
  };
}

function readerEnded(cause: unknown): AppError {
  const text = 'The program that reads standard output has ended before everything was written.';
  return new AppError('restore-failed', text, { cause });
}
