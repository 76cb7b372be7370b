import { unframe, type Codec, type FramesRead } from '../archive/index.js';
import { frameWalker, unpackLarge, unpackThreads } from '../codec/index.js';
import { AppError } from '../core/index.js';
import { s3Url, type ObjectFacts, type ObjectSums } from '../store/index.js';
import { damagedHint, openObject, requireSame, type ReadDependencies } from './read-object.js';

/** An archive object that is to be read to its end. */
export interface ArchiveToRead {
  readonly key: string;
  readonly codec: Codec;
  readonly encrypted: boolean;
  /** What the manifest says of it; an archive without (the existing tool's) needs no seek table. */
  readonly expected?: ExpectedArchive | undefined;
}

/** What a manifest says of an archive object; a `ManifestObject` is one. */
export interface ExpectedArchive extends ObjectSums {
  readonly rawBytes: number;
  readonly frames: number;
}

/** What reading an archive needs. */
export interface ArchiveDependencies extends ReadDependencies {
  /** Frames unpacked at once. */
  readonly parallelism: number;
}

/** What was proven of an archive that was read to its end. */
export interface ArchiveVerdict extends FramesRead, ObjectSums {}

/** An archive that is there and can be read, once: its raw bytes, as they were before compression. */
export interface OpenArchive extends AsyncIterable<Buffer> {
  readonly object: ObjectFacts;
  /** What was proven; throws `internal` before all has been read. */
  verdict(): ArchiveVerdict;
}

/**
 * Opens an archive object: S3 object, gpg, frames, raw bytes. The bytes are proven only when the iteration has ended without
 * an error; then checksums of all frames, the seek table, S3's checksum and the manifest agree. Each buffer belongs to the
 * reader, who may give it back to the pool. Memory is flat, whatever the sizes of archive and frames. Throws what
 * `openObject` and its bytes throw; `corrupt-archive` names the object, and the frame where it is one.
 */
export async function openArchive(archive: ArchiveToRead, dependencies: ArchiveDependencies): Promise<OpenArchive> {
  const { store, pool, parallelism, signal } = dependencies;
  const { codec, expected } = archive;
  const resource = s3Url(store, archive.key);
  const object = await openObject(archive, dependencies);
  let verdict: ArchiveVerdict | undefined;
  async function* raw(): AsyncGenerator<Buffer, void> {
    await using threads = unpackThreads({ codec, threads: parallelism });
    let sums: ObjectSums | undefined;
    async function* stored(): AsyncGenerator<Buffer, void> {
      sums = yield* object.bytes();
    }
    try {
      const frames = yield* unframe(stored(), {
        walker: frameWalker(codec),
        unpack: threads.unpack,
        unpackLarge: unpackLarge(codec),
        concurrency: parallelism,
        pool,
        seekTable: expected === undefined ? 'if-there' : 'required',
        signal,
      });
      if (sums === undefined) throw new AppError('internal', `${resource} was not read to its end.`);
      requireExpected(resource, frames, expected);
      verdict = { ...frames, ...sums };
    } catch (error) {
      throw ofObject(error, resource);
    }
  }
  return {
    object: object.facts,
    [Symbol.asyncIterator]: () => raw(),
    verdict: () => {
      if (verdict === undefined) throw new AppError('internal', `${resource} was not read to its end.`);
      return verdict;
    },
  };
}

function requireExpected(resource: string, frames: FramesRead, expected: ExpectedArchive | undefined): void {
  if (frames.frames === 0) {
    throw new AppError('corrupt-archive', `${resource} holds nothing: not even an empty frame.`, { hint: damagedHint });
  }
  if (expected === undefined) return;
  const by = 'the manifest';
  requireSame(resource, { what: 'raw size', found: frames.rawBytes, wanted: expected.rawBytes, by });
  requireSame(resource, { what: 'number of frames', found: frames.frames, wanted: expected.frames, by });
}

/** Says of which object an error is that knows only its bytes, and what to do. */
export function ofObject(error: unknown, resource: string): unknown {
  if (!(error instanceof AppError) || error.code !== 'corrupt-archive' || error.message.includes(resource))
    return error;
  return new AppError(error.code, `${resource} is damaged. ${error.message}`, {
    hint: error.hint ?? damagedHint,
    cause: error,
    details: { ...error.details, resource },
  });
}
