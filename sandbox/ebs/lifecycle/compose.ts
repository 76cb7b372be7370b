import { createHash } from 'node:crypto';
import { chmod, link, open, rm, type FileHandle } from 'node:fs/promises';
import { GiB } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';
import { writtenBlocks } from '../blocks/layers.js';
import { blockBytes, blocksPerGiB } from '../settings.js';
import type { SnapshotRecord } from '../state/index.js';
import type { Lifecycle } from './lifecycle.js';

/** What EBS gives back for a block that was never written is garbage from its first byte to its last; here so much is. */
const garbageBytes = 4_096;

/** Garbage is put into so many blocks, 256 MiB in all: a 64 TiB snapshot must not fill the disk with it. */
const mostGarbageBlocks = 65_536;

/**
 * Puts the bytes of a snapshot together: its own blocks over those of the parent over zeros. Unwritten blocks of an
 * encrypted snapshot get garbage: EBS decrypts what was never encrypted. May be repeated.
 */
export async function compose(record: SnapshotRecord, { files }: Pick<Lifecycle, 'files'>): Promise<void> {
  const { id, parentId, sizeGiB } = record;
  const target = files.composedPath(id);
  await rm(target, { force: true });
  // Without a parent the blocks are where they belong already.
  if (parentId === null) await link(files.dataPath(id), target);
  else await run(['cp', '--sparse=auto', '--reflink=auto', '--', files.parentPath(id), target]);
  await chmod(target, 0o600);
  const file = await open(target, 'r+');
  try {
    await file.truncate(sizeGiB * GiB);
    if (parentId !== null) await overlay(record, file, files);
    if (record.encrypted) await fillUnwritten(record, file, files);
  } finally {
    await file.close();
  }
}

async function overlay({ id, sizeGiB }: SnapshotRecord, target: FileHandle, files: Lifecycle['files']): Promise<void> {
  const block = Buffer.alloc(blockBytes);
  const data = await open(files.dataPath(id), 'r');
  try {
    for await (const { index } of writtenBlocks(files.layersOf(id, []), { from: 0, end: sizeGiB * blocksPerGiB })) {
      await data.read(block, 0, blockBytes, index * blockBytes);
      await target.write(block, 0, blockBytes, index * blockBytes);
    }
  } finally {
    await data.close();
  }
}

async function fillUnwritten(record: SnapshotRecord, target: FileHandle, files: Lifecycle['files']): Promise<void> {
  const end = record.sizeGiB * blocksPerGiB;
  let filled = 0;
  let next = 0;
  const fillTo = async (index: number): Promise<void> => {
    for (; next < index && filled < mostGarbageBlocks; next += 1, filled += 1) {
      await target.write(garbageOf(record.id, next), 0, garbageBytes, next * blockBytes);
    }
  };
  for await (const { index } of writtenBlocks(files.layersOf(record.id, record.inherited), { from: 0, end })) {
    await fillTo(index);
    next = index + 1;
  }
  await fillTo(end);
}

/** The same for the same block, as decrypting the same nothing with the same key would give. */
function garbageOf(id: string, index: number): Buffer {
  const piece = createHash('sha512').update(`${id} ${index}`).digest();
  return Buffer.alloc(garbageBytes, piece);
}
