import { createBufferPool, type RestoredObject, type VolumeId } from '../core/index.js';
import { imageDevice, imageFile, type ImageTarget } from '../restore/index.js';
import { s3Url } from '../store/index.js';
import type { FoundObject } from './find-archive.js';
import { fittingKeys } from './fitting-key.js';
import { ofObject, openArchive } from './open-archive.js';
import { wrongContent } from './restore-checks.js';
import { restoreProgress } from './restore-progress.js';
import type { RestoreDestination, RestoreObjectDependencies } from './restore-settings.js';

/** Where raw bytes go. */
export type ImageDestination =
  | Exclude<RestoreDestination, { readonly kind: 'directory' | 'new-volume' }>
  /** The device of a volume that was made just now; blank if it is all zeros. */
  | { readonly kind: 'new-volume'; readonly path: string; readonly volumeId: VolumeId; readonly isBlank: boolean };

/**
 * Writes the raw bytes of one object to a file, a device or an output: an image, or to an output a tar as well. Each frame
 * is verified before it is written, and with the first wrong one it ends; the whole object against S3's checksum and the
 * SHA-256 of its manifest when it has passed, which proves every byte of it, so that the index is not asked. Throws `usage`,
 * `restore-failed`, `corrupt-archive`, and what reading throws.
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
  const archive = await openArchive({ key, ...object.name, expected: object.expected }, reading);
  events({ kind: 'stage', snapshotId, stage: 'restoring', subject: key });
  const sizeBytes = object.expected?.rawBytes ?? Number(archive.object.metadata['uncompressed-size'] ?? 0);
  await using target = await opened(destination, sizeBytes);
  let writtenBytes = 0;
  try {
    for await (const bytes of progress.counted(archive)) {
      signal.throwIfAborted();
      writtenBytes += bytes.length;
      await target.write(bytes, (written) => pool.giveBack(written));
    }
    archive.verdict();
  } catch (error) {
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

async function opened(destination: ImageDestination, sizeBytes: number): Promise<ImageTarget> {
  switch (destination.kind) {
    case 'file':
      return imageFile(destination.path);
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
