import { AppError } from '../core/index.js';

/** Everything in a tar is a multiple of this (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const tarBlockBytes = 512;

/** The fields of one header block, numbers read, names as the bytes in the block (views: copy what is kept). */
export interface TarHeader {
  /** The type flag as a character: `0` file, `5` directory, `x` pax records, `L` GNU long name, … */
  readonly typeflag: string;
  readonly name: Buffer;
  readonly linkName: Buffer;
  /** Permission bits with setuid, setgid and sticky: 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow the header, without padding. */
  readonly sizeBytes: number;
  /** Whole seconds since 1970; may be negative. */
  readonly mtimeSeconds: number;
  readonly uname: Buffer;
  readonly gname: Buffer;
  readonly major: number;
  readonly minor: number;
}

/**
 * Reads a header block of 512 bytes: ustar, GNU or the older format without magic. Throws `source-unreadable`, naming
 * `offset` (the position of the block in the tar), for a wrong checksum and for numbers that cannot be read.
 */
export function parseTarHeader(block: Buffer, offset: number): TarHeader {
  checkSum(block, offset);
  const ustar = block[257] === 0x75 && block.toString('latin1', 257, 262) === 'ustar';
  const posix = ustar && block[262] === 0;
  const name = text(block, 0, 100);
  const prefix = posix ? text(block, 345, 155) : empty;
  const numberAt = (start: number, length: number): number => parseTarNumber(block, { start, length, offset });
  return {
    typeflag: String.fromCharCode(block[156] ?? 0),
    name: prefix.length === 0 ? name : Buffer.concat([prefix, slash, name]),
    linkName: text(block, 157, 100),
    mode: numberAt(100, 8) % 0o10000,
    uid: numberAt(108, 8),
    gid: numberAt(116, 8),
    sizeBytes: unsigned(numberAt(124, 12), offset),
    mtimeSeconds: numberAt(136, 12),
    uname: ustar ? text(block, 265, 32) : empty,
    gname: ustar ? text(block, 297, 32) : empty,
    major: ustar ? numberAt(329, 8) : 0,
    minor: ustar ? numberAt(337, 8) : 0,
  };
}

/** Where a number is: in the block, and the block in the tar (for the message). */
export interface TarNumberPlace {
  readonly start: number;
  readonly length: number;
  readonly offset: number;
}

/**
 * Reads a number of a header: octal digits between spaces and NULs, or GNU's base-256 (first bit set, two's
 * complement). A field of nothing is 0. Throws `source-unreadable` for anything else and for what is not exact in a
 * JavaScript number (2^53 and more).
 */
export function parseTarNumber(block: Buffer, place: TarNumberPlace): number {
  const first = block[place.start] ?? 0;
  return first >= 0x80 ? base256(block, place, first) : octal(block, place);
}

const empty = Buffer.alloc(0);
const slash = Buffer.from('/');

function octal(block: Buffer, place: TarNumberPlace): number {
  const end = place.start + place.length;
  let at = place.start;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at += 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < end; at += 1) {
    if (block[at] !== 0x20 && block[at] !== 0) throw badNumber(place);
  }
  return value;
}

function base256(block: Buffer, place: TarNumberPlace, first: number): number {
  const negative = (first & 0x40) !== 0;
  // The sign bit is bit 6: without the marker bit the first byte is the top of a two's complement number.
  let value = negative ? (first | 0x80) - 0x100 : first & 0x7f;
  for (let at = place.start + 1; at < place.start + place.length; at += 1) value = value * 256 + (block[at] ?? 0);
  if (!Number.isSafeInteger(value)) throw badNumber(place);
  return value;
}

function unsigned(value: number, offset: number): number {
  if (value < 0) throw unreadableTar(`The header at byte ${offset} of the tar gives a negative size.`, offset);
  return value;
}

function checkSum(block: Buffer, offset: number): void {
  let sum = 0;
  // The checksum is made as if its own eight bytes were spaces.
  for (let at = 0; at < 148; at += 1) sum += block[at] ?? 0;
  for (let at = 156; at < tarBlockBytes; at += 1) sum += block[at] ?? 0;
  sum += 8 * 0x20;
  const stored = parseTarNumber(block, { start: 148, length: 8, offset });
  if (stored === sum || stored === signedSum(block)) return;
  throw unreadableTar(
    `The tar stream has no valid header at byte ${offset}: its checksum is ${sum}, the header says ${stored}.`,
    offset,
  );
}

/** Some old implementations added the bytes as signed characters. */
function signedSum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < tarBlockBytes; at += 1) if (at < 148 || at >= 156) sum += block.readInt8(at);
  return sum;
}

/** The bytes of a field up to its first NUL. */
function text(block: Buffer, start: number, length: number): Buffer {
  let end = start;
  while (end < start + length && block[end] !== 0) end += 1;
  return block.subarray(start, end);
}

function badNumber(place: TarNumberPlace): AppError {
  return unreadableTar(
    `The header at byte ${place.offset} of the tar has a number, at its byte ${place.start}, that cannot be read.`,
    place.offset,
  );
}

/** The error of a tar stream that is not one: `source-unreadable`, with the position in `details.tarOffset`. */
export function unreadableTar(message: string, tarOffset: number): AppError {
  return new AppError('source-unreadable', message, { details: { tarOffset } });
}
