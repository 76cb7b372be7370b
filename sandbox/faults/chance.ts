import { createHash } from 'node:crypto';

/** A number from 0 (inclusive) to 1 (exclusive), always the same for the same seed and subject. */
export function chance(seed: number, ...subject: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update([seed, ...subject].join(' '))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}
