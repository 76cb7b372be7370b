import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GiB } from '../../../src/core/index.js';
import { dataRanges } from '../blocks/data-ranges.js';
import type { Layer } from '../blocks/layers.js';
import { createWrittenFile, markRanges, markWritten } from '../blocks/written-file.js';
import { blockBytes, blocksPerGiB } from '../settings.js';
import type { LayerRecord } from './model.js';

/** Length of a SHA-256. */
export const digestBytes = 32;

/** The files of snapshots: `<directory>/snapshots/<snapshot id>/…`. */
export interface BlockFiles {
  /** Makes the files of a new snapshot. The parent's are hard links: they stay when the parent goes. */
  create(
    snapshot: { readonly id: string; readonly sizeGiB: number },
    parent: { readonly file: string; readonly layers: readonly Layer[] } | undefined,
  ): Promise<void>;
  /** Writes a block, then its digest, then that it is written. */
  put(id: string, block: { readonly index: number; readonly data: Buffer; readonly digest: Buffer }): Promise<void>;
  /** The blocks that were put, wherever they are read from: a sparse file of the size of the volume. */
  dataPath(id: string): string;
  /** The digest of each block that was put, at 32 bytes times its index. */
  digestsPath(id: string): string;
  /** The bytes of the parent, under a name of our own. */
  parentPath(id: string): string;
  /** Where the bytes are put together; any other file of the snapshot has another name. */
  composedPath(id: string): string;
  /** The layers of a snapshot that was begun here: its own, and those it inherited. */
  layersOf(id: string, inherited: readonly LayerRecord[]): readonly Layer[];
  /** The one layer of a snapshot that was made of a volume. Its data is looked for the first time it is asked for. */
  layerOfVolume(id: string, volume: { readonly file: string; readonly sizeGiB: number }): Promise<Layer>;
  /** Removes what only a snapshot that is not completed needs. */
  removeParts(id: string): Promise<void>;
  /** Removes everything of snapshots that are no more. */
  sweep(isGone: (id: string) => boolean): Promise<void>;
}

/** Opens the files of a directory. */
export async function openBlockFiles(directory: string): Promise<BlockFiles> {
  const root = join(directory, 'snapshots');
  await mkdir(root, { recursive: true });
  const pathOf = (id: string, name: string): string => join(root, id, name);
  const ownMarks = (id: string): string => pathOf(id, 'written');
  const inheritedMarks = (id: string, place: number): string => pathOf(id, `inherited-${place}`);
  const looking = new Map<string, Promise<void>>();

  const lookForData = async (id: string, { file, sizeGiB }: { readonly file: string; readonly sizeGiB: number }) => {
    if (await isThere(ownMarks(id))) return;
    const partial = `${ownMarks(id)}.partial`;
    await mkdir(join(root, id), { recursive: true });
    await createWrittenFile(partial, sizeGiB * blocksPerGiB);
    await markRanges(partial, dataRanges(file));
    await rename(partial, ownMarks(id));
  };

  return {
    create: async ({ id, sizeGiB }, parent) => {
      await mkdir(join(root, id), { recursive: true });
      await createSparse(pathOf(id, 'data'), sizeGiB * GiB);
      await createSparse(pathOf(id, 'digests'), sizeGiB * blocksPerGiB * digestBytes);
      await createWrittenFile(ownMarks(id), sizeGiB * blocksPerGiB);
      if (parent === undefined) return;
      await link(parent.file, pathOf(id, 'parent'));
      for (const [place, { path }] of parent.layers.entries()) await link(path, inheritedMarks(id, place));
    },
    put: async (id, { index, data, digest }) => {
      await writeAt(pathOf(id, 'data'), data, index * blockBytes);
      await writeAt(pathOf(id, 'digests'), digest, index * digestBytes);
      await markWritten(ownMarks(id), index);
    },
    dataPath: (id) => pathOf(id, 'data'),
    digestsPath: (id) => pathOf(id, 'digests'),
    parentPath: (id) => pathOf(id, 'parent'),
    composedPath: (id) => pathOf(id, 'composed'),
    layersOf: (id, inherited) => [
      { kind: 'put', snapshotId: id, path: ownMarks(id) },
      ...inherited.map(({ kind, snapshotId }, place) => ({ kind, snapshotId, path: inheritedMarks(id, place) })),
    ],
    layerOfVolume: async (id, volume) => {
      const search = looking.get(id) ?? lookForData(id, volume).finally(() => looking.delete(id));
      looking.set(id, search);
      await search;
      return { kind: 'volume', snapshotId: id, path: ownMarks(id) };
    },
    removeParts: async (id) => {
      for (const name of ['data', 'digests', 'parent', 'composed']) await rm(pathOf(id, name), { force: true });
    },
    sweep: async (isGone) => {
      for (const id of await readdir(root)) {
        if (isGone(id)) await rm(join(root, id), { recursive: true, force: true });
      }
    },
  };
}

async function createSparse(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

async function writeAt(path: string, bytes: Buffer, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
