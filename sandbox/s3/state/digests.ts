import { createHash } from 'node:crypto';
import { runningChecksum, type ChecksumAlgorithm } from '../checksums/index.js';

/** What is to be known of bytes while they are written. */
export interface DigestOptions {
  /** The only checksum that is computed besides MD5: each costs time for every byte. */
  readonly algorithm: ChecksumAlgorithm;
  readonly withSha256?: boolean;
}

/** What is known of bytes that have been written. */
export interface Digests {
  readonly md5: Uint8Array;
  /** Hexadecimal, where it was asked for. */
  readonly sha256: string | undefined;
  /** Base64. */
  readonly checksum: string;
}

/** All that is computed of one body. */
export interface RunningDigests {
  update(bytes: Uint8Array): void;
  /** Call once. */
  finish(): Digests;
}

/** Begins them. SHA-256 is computed once, whether it is the checksum, that of the signature, or both. */
export function runningDigests({ algorithm, withSha256 = false }: DigestOptions): RunningDigests {
  const md5 = createHash('md5');
  const sha256 = withSha256 || algorithm === 'SHA256' ? createHash('sha256') : undefined;
  const checksum = algorithm === 'SHA256' ? undefined : runningChecksum(algorithm);
  return {
    update: (bytes) => {
      md5.update(bytes);
      sha256?.update(bytes);
      checksum?.update(bytes);
    },
    finish: () => {
      const sha = sha256?.digest();
      return {
        md5: md5.digest(),
        sha256: withSha256 ? sha?.toString('hex') : undefined,
        checksum: checksum?.digest() ?? sha?.toString('base64') ?? '',
      };
    },
  };
}
