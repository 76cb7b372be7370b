import { constants } from 'node:os';

// The messages of FUSE (linux/fuse.h, version 7.31) as far as a filesystem needs them that is one regular file. Numbers
// are in the byte order of the machine, which is little-endian wherever EBS volumes are.

/** A request of the kernel. */
export type FuseRequest =
  | { readonly kind: 'init'; readonly id: bigint }
  | { readonly kind: 'attributes'; readonly id: bigint }
  | { readonly kind: 'open'; readonly id: bigint }
  | { readonly kind: 'release'; readonly id: bigint }
  | { readonly kind: 'read'; readonly id: bigint; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'write'; readonly id: bigint; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'sync'; readonly id: bigint }
  /** It wants no answer. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'unknown'; readonly id: bigint };

const inHeaderBytes = 40;
const outHeaderBytes = 16;
const ioHeaderBytes = 40;

/** The most that one request reads or writes. */
const largestTransferBytes = 1024 * 1024;

/** Room for every request that the kernel may send; it refuses to be read into less. */
export const largestRequestBytes = inHeaderBytes + ioHeaderBytes + largestTransferBytes;

const asynchronousReads = 1 << 0;
const bigWrites = 1 << 5;
/** Several pieces at a time for who passes the page cache by, as the loop device does. */
const asynchronousDirectIo = 1 << 15;
const maxPages = 1 << 22;
const pageBytes = 4096;

/** Reads one request; what it writes is copied, so that `bytes` can be used again. */
export function parseRequest(bytes: Buffer): FuseRequest {
  const opcode = bytes.readUInt32LE(4);
  const id = bytes.readBigUInt64LE(8);
  const offset = (): number => Number(bytes.readBigUInt64LE(inHeaderBytes + 8));
  const size = (): number => bytes.readUInt32LE(inHeaderBytes + 16);
  switch (opcode) {
    case 26:
      return { kind: 'init', id };
    case 3:
      return { kind: 'attributes', id };
    case 14:
      return { kind: 'open', id };
    case 18:
      return { kind: 'release', id };
    case 15:
      return { kind: 'read', id, offset: offset(), bytes: size() };
    case 16: {
      const begin = inHeaderBytes + ioHeaderBytes;
      return { kind: 'write', id, offset: offset(), data: Buffer.from(bytes.subarray(begin, begin + size())) };
    }
    // Fsync and flush.
    case 20:
    case 25:
      return { kind: 'sync', id };
    // Forget, interrupt, forget many.
    case 2:
    case 36:
    case 42:
      return { kind: 'silent' };
    default:
      return { kind: 'unknown', id };
  }
}

/** An answer with room for so many bytes, which go to `body`. */
export function answerWith(id: bigint, bytes: number): { readonly message: Buffer; readonly body: Buffer } {
  const message = Buffer.alloc(outHeaderBytes + bytes);
  message.writeUInt32LE(message.length, 0);
  message.writeBigUInt64LE(id, 8);
  return { message, body: message.subarray(outHeaderBytes) };
}

/** An answer that says no. */
export function refusal(id: bigint, reason: 'EIO' | 'ENOSYS'): Buffer {
  const { message } = answerWith(id, 0);
  message.writeInt32LE(-constants.errno[reason], 4);
  return message;
}

/** What was agreed on: version 7.31, requests of up to 1 MiB, several at a time. */
export function initAnswer(id: bigint): Buffer {
  const { message, body } = answerWith(id, 64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(largestTransferBytes, 8);
  body.writeUInt32LE(asynchronousReads | bigWrites | asynchronousDirectIo | maxPages, 12);
  body.writeUInt16LE(16, 16);
  body.writeUInt16LE(12, 18);
  body.writeUInt32LE(largestTransferBytes, 20);
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(largestTransferBytes / pageBytes, 28);
  return message;
}

/** A regular file of root's that keeps its size. */
export function attributesAnswer(id: bigint, sizeBytes: number): Buffer {
  const { message, body } = answerWith(id, 104);
  body.writeBigUInt64LE(3600n, 0);
  const attributes = body.subarray(16);
  attributes.writeBigUInt64LE(1n, 0);
  attributes.writeBigUInt64LE(BigInt(sizeBytes), 8);
  attributes.writeBigUInt64LE(BigInt(Math.ceil(sizeBytes / 512)), 16);
  attributes.writeUInt32LE(0o100600, 60);
  attributes.writeUInt32LE(1, 64);
  attributes.writeUInt32LE(pageBytes, 80);
  return message;
}

/** So many bytes were written. */
export function writtenAnswer(id: bigint, bytes: number): Buffer {
  const { message, body } = answerWith(id, 8);
  body.writeUInt32LE(bytes, 0);
  return message;
}

/** The file is open. */
export function openAnswer(id: bigint): Buffer {
  return answerWith(id, 16).message;
}
