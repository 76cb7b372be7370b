import { access } from 'node:fs/promises';
import type { IndexItem } from '../archive/index.js';
import { createBufferPool, formatBytes, type RestoredObject, type VolumeId } from '../core/index.js';
import { imageDevice, imageFile, partialImage, type ImageTarget } from '../restore/index.js';
import { headObject, s3Url } from '../store/index.js';
import type { FoundObject } from './find-archive.js';
import { fittingKeys, type FittingKeys } from './fitting-key.js';
import { ofObject, openArchive, type ArchiveDependencies } from './open-archive.js';
import { openRandomAccess } from './random-access.js';
import { readIndexOf } from './read-index-of.js';
import { checkedRest, provenBytes } from './resume-image.js';
import { wrongContent } from './restore-checks.js';
import { restoreProgress } from './restore-progress.js';
import type { RestoreDestination, RestoreObjectDependencies } from './restore-settings.js';

/** Where raw bytes go. */
export type ImageDestination =
  | Exclude<RestoreDestination, { readonly kind: 'directory' | 'new-volume' | 'nowhere' }>
  /** The device of a volume that was made just now; blank if it is all zeros. */
  | { readonly kind: 'new-volume'; readonly path: string; readonly volumeId: VolumeId; readonly isBlank: boolean };

/**
 * Writes the raw bytes of one object to a file, a device or an output: an image, or to an output a tar as well. Each frame
 * is verified before it is written, and with the first wrong one it ends; the whole object against S3's checksum and the
 * SHA-256 of its manifest when it has passed, which proves every byte of it, so that the index is not asked. A file that
 * was broken off goes on where the index says that it is right; what comes then is held against the index instead. Throws
 * `usage`, `restore-failed`, `corrupt-archive`, and what reading throws.
 */
export async function restoreImage(
  object: FoundObject,
  destination: ImageDestination,
  dependencies: RestoreObjectDependencies,
): Promise<RestoredObject> {
  const { events, snapshotId, store, downloadStreams: streams, signal } = dependencies;
  const { key } = object.stored;
  const resource = s3Url(store, key);
  if (destination.kind !== 'output' && object.name.content !== 'image') throw wrongContent(resource, 'tar');
  const pool = createBufferPool();
  const keys = await fittingKeys(object, { ...dependencies, pool });
  const progress = restoreProgress(object, dependencies);
  const reading = { ...dependencies, ...keys, pool, streams, onReceived: progress.received };
  const source = await openSource(object, destination, reading);
  events({ kind: 'stage', snapshotId, stage: 'restoring', subject: key });
  if (destination.kind === 'file' && source.startBytes === 0 && (await isThere(partialImage(destination.path)))) {
    const text = `What an earlier run has left in ${partialImage(destination.path)} cannot be gone on from; this one begins anew.`;
    events({ kind: 'notice', snapshotId, text });
  }
  await using target = await opened(destination, source);
  let writtenBytes = source.startBytes;
  if (source.startBytes > 0) {
    const text = `An earlier run was broken off. The first ${formatBytes(source.startBytes)} that it has written are right; this one goes on there.`;
    events({ kind: 'notice', snapshotId, text });
  }
  try {
    for await (const bytes of progress.counted(source.bytes())) {
      signal.throwIfAborted();
      writtenBytes += bytes.length;
      await target.write(bytes, (written) => pool.giveBack(written));
    }
  } catch (error) {
    if (destination.kind === 'file' && source.isResumable && writtenBytes > 0) {
      const text = `What was written so far is in ${partialImage(destination.path)}; the same command goes on there.`;
      events({ kind: 'notice', snapshotId, text });
    }
    throw ofObject(error, resource);
  }
  await target.end();
  progress.finish();
  const to = nameOf(destination);
  const restored = { key, to, entries: undefined, writtenBytes, fetchedBytes: progress.fetchedBytes() };
  events({ kind: 'object-restored', snapshotId, object: restored });
  return restored;
}

function nameOf(destination: ImageDestination): string {
  if (destination.kind === 'output') return 'standard output';
  return destination.kind === 'new-volume' ? destination.volumeId : destination.path;
}

/** What is written, and from where on. */
interface ImageSource {
  /** Of the whole image. */
  readonly sizeBytes: number;
  readonly startBytes: number;
  /** Whether a later run can go on where this one is broken off. */
  readonly isResumable: boolean;
  bytes(): AsyncGenerator<Buffer, void>;
}

async function openSource(
  object: FoundObject,
  destination: ImageDestination,
  reading: ArchiveDependencies & FittingKeys,
): Promise<ImageSource> {
  const { name, expected, stored } = object;
  const index = destination.kind === 'file' && !name.encrypted ? await readableIndex(object, reading) : undefined;
  if (index !== undefined && destination.kind === 'file' && !(await isThere(destination.path))) {
    const startBytes = await provenBytes(partialImage(destination.path), index);
    const parts =
      startBytes === 0 ? undefined : await openRandomAccess({ key: stored.key, codec: name.codec }, reading);
    if (parts !== undefined) {
      return {
        sizeBytes: parts.rawBytes,
        startBytes,
        isResumable: true,
        bytes: async function* () {
          await using opened = parts;
          yield* checkedRest(opened.read({ from: startBytes, to: opened.rawBytes }), index, startBytes);
        },
      };
    }
  }
  const archive = await openArchive({ key: stored.key, ...name, expected }, reading);
  return {
    sizeBytes: expected?.rawBytes ?? Number(archive.object.metadata['uncompressed-size'] ?? 0),
    startBytes: 0,
    isResumable: index !== undefined,
    bytes: async function* () {
      yield* archive;
      archive.verdict();
    },
  };
}

/** The index, unless there is none, or it is frozen: a restore does without. */
async function readableIndex(
  object: FoundObject,
  reading: ArchiveDependencies & FittingKeys,
): Promise<AsyncIterable<IndexItem> | undefined> {
  if (object.index === undefined) return undefined;
  const { thaw } = await headObject(reading.store, object.index.key, { signal: reading.signal });
  return thaw.kind === 'frozen' || thaw.kind === 'thawing' ? undefined : readIndexOf(object, reading);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function opened(
  destination: ImageDestination,
  { sizeBytes, startBytes, isResumable }: ImageSource,
): Promise<ImageTarget> {
  switch (destination.kind) {
    case 'file':
      return imageFile({ path: destination.path, startBytes, isKept: isResumable });
    case 'device':
      return imageDevice({ ...destination, sizeBytes, isBlank: false });
    case 'new-volume':
      return imageDevice({ ...destination, sizeBytes, force: false });
    case 'output':
      return {
        write: async (bytes, onWritten) => {
          await destination.write(bytes);
          onWritten(bytes);
        },
        end: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
  }
}
