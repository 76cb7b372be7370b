import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { encodeCrc32 } from './part-buffer.js';

/** Size and sums of all bytes of an object. */
export interface ObjectSums {
  readonly storedBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** As S3 writes it: base64. */
  readonly crc32: string;
}

/** Adds up the bytes of an object as they pass. */
export interface ObjectSum {
  add(bytes: Buffer): void;
  /** When all have passed; may be asked again. */
  result(): ObjectSums;
}

/** See {@link ObjectSum}. About 0.7 ms of processor time a MiB where the processor has SHA instructions. */
export function createObjectSum(): ObjectSum {
  const hash = createHash('sha256');
  let crc = 0;
  let storedBytes = 0;
  let sha256: string | undefined;
  return {
    add: (bytes) => {
      hash.update(bytes);
      crc = crc32(bytes, crc);
      storedBytes += bytes.length;
    },
    result: () => ({ storedBytes, sha256: (sha256 ??= hash.digest('hex')), crc32: encodeCrc32(crc) }),
  };
}
