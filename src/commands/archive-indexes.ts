import { scanIndex, scannedEntry, type ScannedLine, type TarEntry } from '../archive/index.js';
import { AppError, createBufferPool, type SnapshotId } from '../core/index.js';
import { findArchive, type FoundArchive, type FoundObject } from './find-archive.js';
import { fittingIndexKey, type Decryption } from './fitting-key.js';
import { s3Url } from '../store/index.js';
import { comparePathTexts } from '../verify/index.js';
import { ofObject } from './open-archive.js';
import { openObject } from './read-object.js';
import type { IndexDependencies } from './validate-against-index.js';

/** What looking into archives needs. */
export interface LookDependencies extends Pick<IndexDependencies, 'store' | 'signal'> {
  readonly decryption: Decryption;
}

/** The index of one tar of an archive. */
export interface ArchiveIndex {
  readonly object: FoundObject;
  /** What its paths begin with: `2/` for partition 2 where there are several, as `restore` makes subfolders; else nothing. */
  readonly prefix: string;
  /** Goes through it, from its beginning each time. */
  scan(): AsyncGenerator<readonly ScannedLine[], void>;
  /** All of a line of it. Throws `corrupt-archive`. */
  entry(line: ScannedLine): TarEntry;
}

/**
 * The indexes of an archive's tars, by partition; nothing else of it is read, so the archive itself may be frozen. Throws
 * `not-found`, and `usage` for an archive without indexes: an image, or the existing tool's.
 */
export async function archiveIndexes(
  snapshotId: SnapshotId,
  { store, signal, decryption }: LookDependencies,
): Promise<{ readonly found: FoundArchive; readonly indexes: readonly ArchiveIndex[] }> {
  const found = await findArchive(store, snapshotId, { signal });
  const tars = found.objects.filter(({ name }) => name.content === 'tar');
  const [first] = tars;
  if (first === undefined) {
    throw new AppError('usage', `The archive of ${snapshotId} is the image of a disk: its files are not known.`, {
      hint: `Restore it to look into it: snap-to-s3 restore ${snapshotId} --to-file disk.img`,
    });
  }
  const pool = createBufferPool();
  const indexes: ArchiveIndex[] = [];
  for (const object of tars) {
    const { index, name, expected, stored } = object;
    if (index === undefined) {
      throw new AppError('usage', `${stored.key} has no index: it was made by another tool.`, {
        hint: `See what is in it: snap-to-s3 restore ${snapshotId} --to-stdout | tar --list --verbose`,
      });
    }
    const reading = { store, pool, decryption, signal };
    const decrypt = name.encrypted ? await fittingIndexKey(index.key, reading) : undefined;
    indexes.push({
      object,
      prefix: tars.length > 1 ? `${name.partition ?? ''}/` : '',
      scan: async function* () {
        const toRead = { key: index.key, encrypted: name.encrypted, expected: expected?.index };
        const opened = await openObject(toRead, { store, pool, streams: 1, decrypt, signal });
        try {
          yield* inOrder(scanIndex(opened.bytes()));
        } catch (error) {
          throw ofObject(error, s3Url(store, index.key));
        }
      },
      entry: (line) => {
        try {
          return scannedEntry(line);
        } catch (error) {
          throw ofObject(error, s3Url(store, index.key));
        }
      },
    });
  }
  return { found, indexes };
}

/** Throws `corrupt-archive` for lines that are not in the order of a tar: what stands together is looked for together. */
async function* inOrder(
  batches: AsyncGenerator<readonly ScannedLine[], void>,
): AsyncGenerator<readonly ScannedLine[], void> {
  let before: string | undefined;
  for await (const lines of batches) {
    for (const { path, lineNumber } of lines) {
      // Of a name that is not UTF-8 the text does not tell where it belongs.
      if (path.includes('\ufffd')) continue;
      if (before !== undefined && comparePathTexts(before, path) >= 0) {
        throw new AppError('corrupt-archive', `Line ${lineNumber} of the index is not in the order of the paths.`);
      }
      before = path;
    }
    yield lines;
  }
}
