import { AppError, type BufferPool } from '../core/index.js';
import type { ProgramStage } from '../process/index.js';
import {
  downloadObject,
  headObject,
  requireReadable,
  s3Url,
  summingThread,
  type ObjectFacts,
  type ObjectStore,
  type ObjectSums,
  type SummingThread,
} from '../store/index.js';

/** An object that is to be read to its end. */
export interface ObjectToRead {
  readonly key: string;
  readonly encrypted: boolean;
  /** What the manifest says of it; what S3 itself says is checked in any case. */
  readonly expected?: ObjectSums | undefined;
}

/** What reading needs. */
export interface ReadDependencies {
  readonly store: ObjectStore;
  /** Requests at once. */
  readonly streams: number;
  /** Where the memory comes from; made once for all reading. */
  readonly pool: BufferPool;
  /** What encrypted objects go through; see `decryptWith`. */
  readonly decrypt?: ProgramStage | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes more have come from S3. */
  readonly onReceived?: (bytes: number) => void;
}

/** An object that is there and can be read. */
export interface OpenObject {
  readonly facts: ObjectFacts;
  /**
   * Its bytes, decrypted, once. They are proven only when the generator has ended: then gpg has verified the whole, and size
   * and sums are those that S3 and the manifest tell. Throws `corrupt-archive`, `object-changed`, the failures of
   * `callAws` and of `decryptWith`.
   */
  bytes(): AsyncGenerator<Buffer, ObjectSums>;
}

/**
 * Looks at an object before any of it is read. Throws `not-found`, `object-frozen`, and `corrupt-archive` where S3 already
 * tells another size or checksum than the manifest.
 */
export async function openObject(object: ObjectToRead, dependencies: ReadDependencies): Promise<OpenObject> {
  const { store, decrypt, signal } = dependencies;
  const { key, encrypted, expected } = object;
  const resource = s3Url(store, key);
  if (encrypted && decrypt === undefined) throw new AppError('internal', `Nothing was given to decrypt ${resource}.`);
  const facts = await headObject(store, key, { signal });
  requireReadable(store, facts);
  if (expected !== undefined) {
    requireSame(resource, { what: 'size', found: facts.sizeBytes, wanted: expected.storedBytes, by: 'the manifest' });
    const crc32 = checksum(facts, 'CRC32') ?? expected.crc32;
    requireSame(resource, { what: 'CRC-32 that S3 keeps', found: crc32, wanted: expected.crc32, by: 'the manifest' });
  }
  return {
    facts,
    bytes: async function* () {
      await using sum = summingThread();
      const received = summed(downloadObject(store, facts, dependencies), sum);
      if (encrypted && decrypt !== undefined) yield* decrypt(received, { signal });
      else yield* received;
      const sums = await sum.result();
      requireSums(resource, sums, { facts, expected });
      return sums;
    },
  };
}

/** Passes bytes on as soon as they have been added up, and reads the next ones meanwhile. */
async function* summed(source: AsyncIterable<Buffer>, sum: SummingThread): AsyncGenerator<Buffer, void> {
  let before: { readonly bytes: Buffer; readonly added: Promise<void> } | undefined;
  for await (const bytes of source) {
    const added = sum.add(bytes);
    // Its failure is thrown in its turn.
    added.catch(() => undefined);
    if (before !== undefined) {
      await before.added;
      yield before.bytes;
    }
    before = { bytes, added };
  }
  if (before === undefined) return;
  await before.added;
  yield before.bytes;
}

function requireSums(
  resource: string,
  sums: ObjectSums,
  { facts, expected }: { readonly facts: ObjectFacts; readonly expected: ObjectSums | undefined },
): void {
  requireStoredSums(resource, sums, facts);
  if (expected === undefined) return;
  requireSame(resource, { what: 'CRC-32', found: sums.crc32, wanted: expected.crc32, by: 'the manifest' });
  requireSame(resource, { what: 'SHA-256', found: sums.sha256, wanted: expected.sha256, by: 'the manifest' });
}

/** Holds the sums of bytes that were read against those that S3 keeps of the whole object. Throws `corrupt-archive`. */
export function requireStoredSums(resource: string, sums: ObjectSums, facts: ObjectFacts): void {
  const sha256 = Buffer.from(sums.sha256, 'hex').toString('base64');
  const crc32OfS3 = checksum(facts, 'CRC32') ?? sums.crc32;
  requireSame(resource, { what: 'CRC-32', found: sums.crc32, wanted: crc32OfS3, by: 'S3' });
  requireSame(resource, { what: 'SHA-256', found: sha256, wanted: checksum(facts, 'SHA256') ?? sha256, by: 'S3' });
}

/** A full-object checksum that S3 keeps. */
function checksum({ checksums }: ObjectFacts, algorithm: 'CRC32' | 'SHA256'): string | undefined {
  return checksums.find((one) => one.algorithm === algorithm && one.isOfWhole)?.value;
}

/** Two values that must be the same. */
export interface Comparison {
  /** Of what: `SHA-256`. */
  readonly what: string;
  readonly found: string | number;
  readonly wanted: string | number;
  /** Who says what is wanted. */
  readonly by: string;
}

/** Throws `corrupt-archive` for an object of which something is not as it should be. */
export function requireSame(resource: string, { what, found, wanted, by }: Comparison): void {
  if (found === wanted) return;
  throw new AppError('corrupt-archive', `The ${what} of ${resource} is ${found}, but ${by} says ${wanted}.`, {
    hint: damagedHint,
    details: { resource, what, found, wanted, by },
  });
}

/** What to do about an object that is not what it should be. */
export const damagedHint =
  'Run it again. If it says the same, the object itself is damaged: archive the snapshot anew, or take an older version of the object if the bucket keeps them.';
