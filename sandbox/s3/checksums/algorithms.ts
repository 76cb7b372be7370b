import { createHash } from 'node:crypto';
import { combineCrc } from './combine.js';
import { crcParameters } from './crc-tables.js';
import { runningCrc32, runningCrc32c, runningCrc64Nvme, type RunningCrc } from './crc.js';

/** The checksums of S3, as they are called in requests. */
export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
/** One of S3's checksums. */
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];
/** Over the whole object, or over the checksums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as S3 keeps it; composite values end in `-N`. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64. */
  readonly value: string;
}

/** A checksum over a stream. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** Base64; call once. */
  digest(): string;
}

/** Begins a checksum. */
export function runningChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return base64Crc(runningCrc32(), 32);
    case 'CRC32C':
      return base64Crc(runningCrc32c(), 32);
    case 'CRC64NVME':
      return base64Crc(runningCrc64Nvme(), 64);
    case 'SHA1':
    case 'SHA256': {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
    }
  }
}

/** How many bytes a checksum has. */
export const checksumBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** The types that S3 has for multipart uploads (S3 user guide, "Checking object integrity"); the first is the default. */
export const multipartTypes: Readonly<Record<ChecksumAlgorithm, readonly ChecksumType[]>> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
};

/** The checksum of an object from those of its parts. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { readonly value: string; readonly bytes: number }[],
): Checksum {
  if (type === 'COMPOSITE') {
    const sum = runningChecksum(algorithm);
    for (const part of parts) sum.update(Buffer.from(part.value, 'base64'));
    return { algorithm, type, value: `${sum.digest()}-${parts.length}` };
  }
  if (algorithm === 'SHA1' || algorithm === 'SHA256') throw new Error(`${algorithm} cannot be combined`);
  const parameters = crcParameters[algorithm];
  const whole = parts
    .map((part) => ({ crc: BigInt(`0x${Buffer.from(part.value, 'base64').toString('hex')}`), bytes: part.bytes }))
    .reduce((first, second) => combineCrc(first, second, parameters), { crc: 0n, bytes: 0 });
  return { algorithm, type, value: encodeCrc(whole.crc, parameters.bits) };
}

function base64Crc(crc: RunningCrc, bits: 32 | 64): RunningChecksum {
  return { update: (bytes) => crc.update(bytes), digest: () => encodeCrc(crc.value(), bits) };
}

function encodeCrc(value: bigint, bits: 32 | 64): string {
  return Buffer.from(value.toString(16).padStart(bits / 4, '0'), 'hex').toString('base64');
}
