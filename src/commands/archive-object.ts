import { pipeline } from 'node:stream/promises';
import {
  createIndexWriter,
  defaultChunkBytes,
  encodeIndexHeader,
  encodeIndexRecord,
  encodeIndexTrailer,
  frame,
  frameBytesFor,
  indexKey,
  planParts,
  scanImage,
  scanTar,
  type Codec,
  type Content,
  type IndexTrailer,
  type IndexWriter,
  type ManifestObject,
} from '../archive/index.js';
import { frameThreads } from '../codec/index.js';
import type { Clock, EventSink, SnapshotId } from '../core/index.js';
import type { ProgramStage } from '../process/index.js';
import {
  uploadObject,
  type ObjectStore,
  type ObjectTarget,
  type StoredObject,
  type UploadGuard,
} from '../store/index.js';

/** One archive object to be made: where its bytes come from and where they go. */
export interface ArchiveJob {
  readonly snapshotId: SnapshotId;
  readonly target: ObjectTarget;
  readonly content: Content;
  readonly codec: Codec;
  readonly level: number;
  /** What the source is likely to give; exact for images. */
  readonly expectedBytes: number;
  /** What the source can hold at most: the size of the partition or disk. */
  readonly boundBytes: number;
  readonly uploadStreams: number;
  /** Reads the source; the stream ends only when it is known to be whole, and throws where it is not. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Buffer>;
  /** Told of each entry of a tar that has passed. */
  readonly onEntry?: (() => void) | undefined;
}

/** What the making needs. */
export interface ArchiveJobOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly events: EventSink;
  /** Frames compressed at once. */
  readonly parallelism: number;
  readonly signal: AbortSignal;
  readonly guard?: UploadGuard | undefined;
  /** What archive and index go through, each by itself, before they are sent. */
  readonly encrypt?: ProgramStage | undefined;
}

/** What became of a job, as the manifest tells it, but for the facts that the caller knows. */
export type ArchivedResult = Pick<
  ManifestObject,
  'rawBytes' | 'frameBytes' | 'frames' | 'entries' | 'index' | 'storedBytes' | 'sha256' | 'crc32' | 'etag' | 'key'
>;

/** Progress is told at most this often. */
const progressIntervalMs = 100;

/**
 * Takes one source through scan, frames and compression into an S3 object, and its index beside it. Returns when S3 has
 * confirmed both. If anything fails, neither is left unfinished in the bucket.
 */
export async function archiveObject(job: ArchiveJob, options: ArchiveJobOptions): Promise<ArchivedResult> {
  const { store, signal, guard, encrypt = asItIs } = options;
  const frameBytes = frameBytesFor({ ...job, expectedRawBytes: job.expectedBytes });
  await using threads = frameThreads({ codec: job.codec, level: job.level, threads: options.parallelism });
  const index = createIndexWriter();
  // A failure of one of the two ends the other: neither is any good alone.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const scan = indexing(job, index);
  const progress = createProgress(job, { ...options, signal: either });
  let frames = 0;

  const sendIndex = uploadObject(store, encrypt(index.bytes, { signal: either }), indexTarget(job.target), {
    ...planParts({ expectedBytes: 0, boundBytes: 0 }),
    streams: 1,
    signal: either,
    guard,
  });
  const sendArchive = pipeline(
    job.open(either),
    scan.stage,
    progress.countRaw,
    frame({
      frameBytes,
      concurrency: options.parallelism,
      compress: threads.compress,
      release: threads.release,
      onFrame: () => {
        frames += 1;
      },
    }),
    encrypt,
    (stored: AsyncIterable<Buffer>) =>
      uploadObject(store, stored, job.target, {
        ...planParts({ expectedBytes: job.expectedBytes, boundBytes: job.boundBytes }),
        streams: job.uploadStreams,
        signal: either,
        guard,
        onStored: progress.stored,
      }),
    { signal: either },
  ).then(async (stored): Promise<StoredObject> => {
    await index.write(encodeIndexTrailer(scan.totals()));
    await index.end();
    return stored;
  });

  const [archiveResult, indexResult] = await Promise.all(
    [sendArchive, sendIndex].map((sending) =>
      sending.then(
        (value) => ({ kind: 'sent' as const, value }),
        (error: unknown) => {
          if (!failed.signal.aborted) failed.abort(error);
          index.abort(error instanceof Error ? error : new Error(String(error)));
          return { kind: 'failed' as const, error };
        },
      ),
    ),
  );
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  if (archiveResult?.kind !== 'sent' || indexResult?.kind !== 'sent') throw new Error('neither failed nor sent');
  progress.finish();
  return {
    ...archiveResult.value,
    rawBytes: scan.totals().bytes,
    frameBytes,
    frames,
    entries: scan.totals().entries,
    index: indexResult.value,
  };
}

const asItIs: ProgramStage = async function* (source) {
  yield* source;
};

/** The stage that writes the index of what passes, its first line included; the last one is the caller's to write. */
function indexing({ content, onEntry }: ArchiveJob, index: IndexWriter) {
  const begun = (
    header: string,
    stage: (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>,
    totals: () => IndexTrailer,
  ) => {
    async function* withHeader(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      await index.write(header);
      yield* stage(source);
    }
    return { stage: withHeader, totals };
  };
  if (content === 'tar') {
    const scan = scanTar({
      onEntry: (entry) => {
        onEntry?.();
        return index.write(encodeIndexRecord({ kind: 'entry', entry }));
      },
    });
    return begun(encodeIndexHeader({ kind: 'tar' }), scan, () => ({
      entries: scan.totals.entries,
      bytes: scan.totals.tarBytes,
    }));
  }
  const scan = scanImage({ onChunk: (chunk) => index.write(encodeIndexRecord({ kind: 'chunk', chunk })) });
  return begun(encodeIndexHeader({ kind: 'image', chunkBytes: defaultChunkBytes }), scan, () => ({
    entries: scan.totals.chunks,
    bytes: scan.totals.imageBytes,
  }));
}

/** Indexes stay in S3 Standard, without tags: a lifecycle rule for archives must not freeze them. */
function indexTarget(archive: ObjectTarget): ObjectTarget {
  const key = indexKey(archive.key);
  const contentType = key.endsWith('.gpg') ? archive.contentType : 'application/gzip';
  return { key, contentType, encryption: archive.encryption };
}

function createProgress(job: ArchiveJob, { clock, events, signal }: ArchiveJobOptions) {
  let rawBytes = 0;
  let storedBytes = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const tell = (): void => {
    toldAtMs = clock.now();
    events({
      kind: 'progress',
      snapshotId: job.snapshotId,
      key: job.target.key,
      rawBytes,
      storedBytes,
      expectedRawBytes: Math.max(job.expectedBytes, rawBytes),
    });
  };
  const tellSometimes = (): void => {
    if (clock.now() - toldAtMs >= progressIntervalMs) tell();
  };
  async function* countRaw(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const bytes of source) {
      signal.throwIfAborted();
      rawBytes += bytes.length;
      tellSometimes();
      yield bytes;
    }
  }
  return {
    countRaw,
    stored: (bytes: number): void => {
      storedBytes = bytes;
      tellSometimes();
    },
    finish: tell,
  };
}
