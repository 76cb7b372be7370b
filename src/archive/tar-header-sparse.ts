import { parseTarNumber, tarBlockBytes, unreadableTar, type TarHeader } from './tar-header.js';

/** Where the stored data of a sparse file belongs; everything else in it is zeros. */
export interface SparseMap {
  /** Offset and length of each data segment, alternating, ascending. */
  readonly segments: readonly number[];
  /** The size of the file with its holes. */
  readonly realBytes: number;
  /** The sum of all segments: the data bytes in the tar. */
  readonly dataBytes: number;
}

/** Maps longer than this are refused: they would fill the memory (16 bytes a segment). */
const mostSegments = 16 * 1024 * 1024;

/** What {@link checkedSparseMap} holds the segments against. */
export interface SparseFacts {
  readonly realBytes: number;
  /** The data bytes that the tar holds for this member. */
  readonly storedBytes: number;
  /** The header's position in the tar, for the message. */
  readonly offset: number;
}

/** Makes a map of segments. Throws `source-unreadable` unless they are ascending, inside the file, and add up. */
export function checkedSparseMap(segments: readonly number[], facts: SparseFacts): SparseMap {
  let end = 0;
  let dataBytes = 0;
  for (let at = 0; at < segments.length; at += 2) {
    const start = segments[at] ?? 0;
    const length = segments[at + 1] ?? -1;
    if (start < end || length < 0) throw badMap(facts);
    end = start + length;
    dataBytes += length;
  }
  if (end > facts.realBytes || dataBytes !== facts.storedBytes) throw badMap(facts);
  return { segments, realBytes: facts.realBytes, dataBytes };
}

function badMap(facts: SparseFacts): Error {
  return unreadableTar(
    `The map of the sparse file at byte ${facts.offset} of the tar does not fit its ${facts.realBytes} bytes, ${facts.storedBytes} of them stored.`,
    facts.offset,
  );
}

/** Reads a map that stands in several blocks: give it block after block until it is `complete`. */
export interface SparseMapReader {
  readonly segments: number[];
  readonly complete: boolean;
  /** Throws `source-unreadable` for what is no map. */
  add(block: Buffer): void;
}

/** The old GNU format: four segments in the header block, 21 in each extension block that follows it. */
export function oldGnuMapReader(offset: number): SparseMapReader {
  const segments: number[] = [];
  let complete = false;
  let first = true;
  return {
    segments,
    get complete() {
      return complete;
    },
    add: (block) => {
      const start = first ? 386 : 0;
      const count = first ? 4 : 21;
      for (let entry = 0; entry < count; entry += 1) {
        const at = start + entry * 24;
        if (block[at] === 0 || block[at + 12] === 0) break;
        segments.push(
          parseTarNumber(block, { start: at, length: 12, offset }),
          parseTarNumber(block, { start: at + 12, length: 12, offset }),
        );
      }
      complete = block[first ? 482 : 504] === 0;
      first = false;
      if (segments.length > 2 * mostSegments) throw longMap(offset);
    },
  };
}

/** The size of an old GNU sparse file with its holes, from its header block. */
export function oldGnuRealBytes(block: Buffer, offset: number): number {
  return parseTarNumber(block, { start: 483, length: 12, offset });
}

/** The pax format 1.0: decimal lines before the data, padded to whole blocks: the count, then offsets and lengths. */
export function paxMapReader(offset: number): SparseMapReader {
  const segments: number[] = [];
  let expected: number | undefined;
  let value = 0;
  let digits = 0;
  let complete = false;
  const endLine = (): void => {
    if (digits === 0 || !Number.isSafeInteger(value)) throw noMap(offset);
    if (expected === undefined) expected = 2 * value;
    else segments.push(value);
    if (expected > 2 * mostSegments) throw longMap(offset);
    complete = segments.length === expected;
    value = 0;
    digits = 0;
  };
  return {
    segments,
    get complete() {
      return complete;
    },
    add: (block) => {
      for (let at = 0; at < tarBlockBytes && !complete; at += 1) {
        const byte = block[at] ?? 0;
        if (byte === 0x0a) {
          endLine();
        } else {
          if (byte < 0x30 || byte > 0x39 || digits > 16) throw noMap(offset);
          value = value * 10 + byte - 0x30;
          digits += 1;
        }
      }
    },
  };
}

/** True for a header whose own block begins an old GNU map. */
export function isOldGnuSparse(header: TarHeader): boolean {
  return header.typeflag === 'S';
}

function noMap(offset: number): Error {
  return unreadableTar(`The sparse file at byte ${offset} of the tar has no readable map.`, offset);
}

function longMap(offset: number): Error {
  return unreadableTar(
    `The sparse file at byte ${offset} of the tar has more than ${mostSegments.toLocaleString('en-US')} pieces.`,
    offset,
  );
}
