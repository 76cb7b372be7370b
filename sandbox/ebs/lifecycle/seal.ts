import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { writtenBlocks } from '../blocks/layers.js';
import { blocksPerGiB } from '../settings.js';
import { digestBytes, type SnapshotRecord } from '../state/index.js';
import { compose } from './compose.js';
import type { Lifecycle } from './lifecycle.js';

/**
 * What CompleteSnapshot sets going: checks what the client said of its blocks, puts the bytes together, and
 * gives them to EC2. What is wrong is not told to the client, but by the snapshot, which goes to `error`.
 */
export function finishSealed({ id }: SnapshotRecord, lifecycle: Lifecycle): void {
  const { activity, clock, delays, files, snapshots, state, tasks } = lifecycle;
  tasks.start(`Completing ${id}`, async (signal) => {
    await activity.quiet(id);
    const record = state.get(id);
    if (record?.progress.kind !== 'sealed') return;
    const outcome = await preparedBytes(record, lifecycle).catch(async (error: unknown) => {
      await snapshots.fail(record.region, id, 'The sandbox could not put its bytes together.');
      throw error;
    });
    await clock.sleep(delays.completeMs, signal);
    // EC2 first: what a crash leaves between the two is done again.
    if (outcome === 'ready') await snapshots.complete(record.region, id, { file: files.composedPath(id) });
    else await snapshots.fail(record.region, id, outcome.mismatch);
    state.put({ ...record, progress: { kind: 'over' } });
    await state.save();
    await files.removeParts(id);
  });
}

async function preparedBytes(
  record: SnapshotRecord,
  lifecycle: Lifecycle,
): Promise<'ready' | { readonly mismatch: string }> {
  if (record.progress.kind !== 'sealed') return 'ready';
  // An earlier run of the sandbox may have come so far, and ended before it could say so.
  if (await lifecycle.snapshots.hasBytes(record.id)) return 'ready';
  const mismatch = await mismatchOf(record, record.progress, lifecycle);
  if (mismatch !== undefined) return { mismatch };
  await compose(record, lifecycle);
  return 'ready';
}

async function mismatchOf(
  { id, sizeGiB }: SnapshotRecord,
  said: { readonly changedBlocksCount: number; readonly checksum: string | null },
  { files }: Pick<Lifecycle, 'files'>,
): Promise<string | undefined> {
  const linear = createHash('sha256');
  const digest = Buffer.alloc(digestBytes);
  let count = 0;
  const own = files.layersOf(id, []);
  const digests = await open(files.digestsPath(id), 'r');
  try {
    for await (const { index } of writtenBlocks(own, { from: 0, end: sizeGiB * blocksPerGiB })) {
      await digests.read(digest, 0, digestBytes, index * digestBytes);
      linear.update(digest);
      count += 1;
    }
  } finally {
    await digests.close();
  }
  if (count !== said.changedBlocksCount) return 'Changed blocks count mismatch for snapshot';
  if (said.checksum !== null && linear.digest('base64') !== said.checksum) return 'Checksum mismatch for snapshot';
  return undefined;
}
