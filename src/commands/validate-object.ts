import { readTar, scanImage, type IndexItem, type TarEntry } from '../archive/index.js';
import {
  AppError,
  formatBytes,
  smallHeap,
  type BufferPool,
  type EventSink,
  type SnapshotId,
  type ValidatedObject,
} from '../core/index.js';
import type { ProgramStage } from '../process/index.js';
import { checkedByIndex, compareImages, compareTrees, sortEntries, type TreeEntry } from '../verify/index.js';
import type { FindingTeller } from './archive-findings.js';
import { createChunkCheck } from './chunk-check.js';
import type { FoundObject } from './find-archive.js';
import { openArchive, type ArchiveDependencies, type OpenArchive } from './open-archive.js';
import { readIndexOf } from './read-index-of.js';
import { requireSame } from './read-object.js';

/** What an archive object is held against, besides its index, its manifest and S3's own checksums. */
export type ValidationSource =
  /** The files of its filesystem. */
  | { readonly kind: 'tree'; readonly entries: () => AsyncIterable<TreeEntry> }
  /** The bytes of its volume. */
  | { readonly kind: 'device'; readonly bytes: () => AsyncIterable<Buffer> }
  /** Nothing: the volume is not there. */
  | { readonly kind: 'index' };

/** What validating an object needs. */
export interface ValidateObjectDependencies extends Omit<ArchiveDependencies, 'decrypt' | 'onReceived'> {
  readonly snapshotId: SnapshotId;
  readonly events: EventSink;
  readonly findings: FindingTeller;
  readonly now: () => number;
  /** For the archive, and for its index, which is a message of its own: with another session key than the archive's. */
  readonly decrypt: ProgramStage | undefined;
  readonly decryptIndex: ProgramStage | undefined;
}

/**
 * Reads an archive object to its end and holds everything in it against the source, its index and its manifest. What is
 * not as it should be is told, and no error: throws only where it could not be found out.
 */
export async function validateObject(
  object: FoundObject,
  source: ValidationSource,
  dependencies: ValidateObjectDependencies,
): Promise<ValidatedObject> {
  const { stored, name, expected } = object;
  const archive = await openArchive(
    { key: stored.key, ...name, expected },
    { ...dependencies, onReceived: (bytes) => progress.received(bytes) },
  );
  const progress = createProgress(object, archive, dependencies);
  const index = readIndexOf(object, dependencies);
  const raw = progress.counted(archive);
  const parts =
    name.content === 'tar'
      ? await validateTar(raw, index, source, { ...dependencies, isOurs: expected !== undefined })
      : await validateImage(raw, index, source, dependencies);
  const verdict = archive.verdict();
  if (expected !== undefined) {
    requireSame(stored.key, {
      what: 'number of entries',
      found: parts.entries,
      wanted: expected.entries,
      by: 'the manifest',
    });
  }
  progress.finish();
  const { findings } = dependencies;
  return {
    key: stored.key,
    storedBytes: verdict.storedBytes,
    rawBytes: verdict.rawBytes,
    compared: `${parts.compared}; ${checked(object, index !== undefined)}`,
    findings: findings.count,
  };
}

interface Parts {
  readonly entries: number;
  readonly compared: string;
}

async function validateTar(
  raw: AsyncIterable<Buffer>,
  index: AsyncIterable<IndexItem> | undefined,
  source: ValidationSource,
  dependencies: ValidateObjectDependencies & { readonly isOurs: boolean },
): Promise<Parts> {
  const { findings, store, pool, signal, isOurs: exact } = dependencies;
  using _heap = smallHeap();
  const tar = readTar(givenBack(raw, pool));
  let entries = 0;
  let contentBytes = 0;
  async function* counted(read: AsyncIterable<TarEntry>): AsyncGenerator<TarEntry, void> {
    for await (const entry of read) {
      signal?.throwIfAborted();
      entries += 1;
      contentBytes += entry.sizeBytes;
      yield entry;
    }
  }
  const totals = (item: IndexItem): void => {
    if (item.kind !== 'trailer') return;
    requireSame('The tar', { what: 'size', found: tar.totals.tarBytes, wanted: item.trailer.bytes, by: 'its index' });
  };
  const listed = index === undefined ? undefined : entriesOf(index, totals);
  const read = counted(tar.entries);
  const checkedEntries = listed === undefined ? read : checkedByIndex(read, listed, (found) => findings.index(found));
  if (source.kind !== 'tree') {
    for await (const _ of checkedEntries) signal?.throwIfAborted();
    return {
      entries,
      compared: `${entries.toLocaleString('en-US')} entries with ${formatBytes(contentBytes)} of content`,
    };
  }
  const ordered = exact ? checkedEntries : sortEntries(checkedEntries, { directory: store.temporaryDirectory, signal });
  const compared = await compareTrees(ordered, source.entries(), { exact, onFinding: (found) => findings.tree(found) });
  const what = `${compared.entries.toLocaleString('en-US')} entries with ${formatBytes(compared.contentBytes)} of content`;
  const unknown =
    compared.contentUnknown === 0
      ? ''
      : `, but not the content of ${compared.contentUnknown} files of more than 16 GiB of holes`;
  return { entries, compared: `${what}: ${compared.aspects.join(', ')}${unknown}` };
}

async function* entriesOf(
  index: AsyncIterable<IndexItem>,
  onTrailer: (item: IndexItem) => void,
): AsyncGenerator<TarEntry, void> {
  for await (const item of index) {
    if (item.kind === 'header' && item.header.kind !== 'tar') throw otherKind('tar');
    if (item.kind === 'entry') yield item.entry;
    if (item.kind === 'trailer') onTrailer(item);
  }
}

async function validateImage(
  raw: AsyncIterable<Buffer>,
  index: AsyncIterable<IndexItem> | undefined,
  source: ValidationSource,
  { findings, pool }: ValidateObjectDependencies,
): Promise<Parts> {
  const chunks = createChunkCheck(index?.[Symbol.asyncIterator](), (text) => findings.other('index', text));
  const scan = scanImage({ onChunk: (chunk) => chunks.check(chunk) });
  try {
    if (source.kind === 'device') {
      const release = (piece: Buffer): void => pool.giveBack(piece);
      const compared = await compareImages(scan(raw), source.bytes(), { release });
      findings.image(compared);
      await chunks.end(scan.totals.imageBytes);
      return {
        entries: scan.totals.chunks,
        compared: `${formatBytes(compared.source.bytes)}, byte by byte, SHA-256 ${compared.source.sha256}`,
      };
    }
    for await (const _ of givenBack(scan(raw), pool));
    await chunks.end(scan.totals.imageBytes);
    return { entries: scan.totals.chunks, compared: `${formatBytes(scan.totals.imageBytes)} of image` };
  } finally {
    await chunks.leave();
  }
}

function otherKind(kind: string): AppError {
  return new AppError('corrupt-archive', `The index is not that of ${kind === 'tar' ? 'a tar' : 'an image'}.`);
}

function checked({ expected }: FoundObject, hasIndex: boolean): string {
  const what = ['S3', ...(expected === undefined ? [] : ['manifest']), ...(hasIndex ? ['index'] : [])];
  return `checksums of ${what.length === 1 ? 'S3 only' : what.join(', ')}`;
}

/** Gives each piece back when the next is asked for. */
async function* givenBack(pieces: AsyncIterable<Buffer>, pool: BufferPool): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) {
    yield piece;
    pool.giveBack(piece);
  }
}

/** Progress is told at most this often. */
const progressIntervalMs = 100;

function createProgress(
  { stored, expected }: FoundObject,
  { object }: OpenArchive,
  { snapshotId, events, now, signal }: ValidateObjectDependencies,
) {
  const { key } = stored;
  const told = Number(object.metadata['uncompressed-size'] ?? 0);
  const expectedBytes = expected?.rawBytes ?? (Number.isSafeInteger(told) ? told : 0);
  let rawBytes = 0;
  let storedBytes = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const tell = (): void => {
    toldAtMs = now();
    const expectedRawBytes = Math.max(expectedBytes, rawBytes);
    events({ kind: 'progress', snapshotId, key, rawBytes, storedBytes, expectedRawBytes });
  };
  const tellSometimes = (): void => {
    if (now() - toldAtMs >= progressIntervalMs) tell();
  };
  return {
    received: (bytes: number): void => {
      storedBytes += bytes;
      tellSometimes();
    },
    counted: async function* (raw: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
      for await (const bytes of raw) {
        signal?.throwIfAborted();
        rawBytes += bytes.length;
        tellSometimes();
        yield bytes;
      }
    },
    finish: tell,
  };
}
