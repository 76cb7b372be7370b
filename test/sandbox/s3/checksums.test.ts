import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  checksumAlgorithms,
  checksumOfParts,
  runningChecksum,
  type ChecksumAlgorithm,
} from '../../../sandbox/s3/checksums/index.js';

const check = Buffer.from('123456789');
function sum(algorithm: ChecksumAlgorithm, ...pieces: readonly Uint8Array[]): string {
  const running = runningChecksum(algorithm);
  for (const piece of pieces) running.update(piece);
  return running.digest();
}
const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

describe('checksums', () => {
  // The check values of the catalogue of parametrised CRC algorithms; SHA by OpenSSL.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', createHash('sha1').update(check).digest('hex')],
    ['SHA256', createHash('sha256').update(check).digest('hex')],
  ] as const)('%s of "123456789" is %s', (algorithm, expected) => {
    expect(hex(sum(algorithm, check))).toBe(expected);
  });

  it.each(checksumAlgorithms)('%s does not depend on how the bytes are cut', (algorithm) => {
    const bytes = randomBytes(1000);
    const whole = sum(algorithm, bytes);
    for (const at of [1, 7, 8, 9, 500, 999]) {
      expect(sum(algorithm, bytes.subarray(0, at), bytes.subarray(at))).toBe(whole);
    }
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s of the whole follows from the parts', (algorithm) => {
    const parts = [randomBytes(5000), randomBytes(0), randomBytes(1), randomBytes(12345)];
    const combined = checksumOfParts(
      algorithm,
      'FULL_OBJECT',
      parts.map((part) => ({ value: sum(algorithm, part), bytes: part.length })),
    );
    expect(combined).toEqual({ algorithm, type: 'FULL_OBJECT', value: sum(algorithm, Buffer.concat(parts)) });
  });

  it('of several terabytes are combined in an instant', () => {
    const part = { value: sum('CRC64NVME', check), bytes: 5 * 1024 ** 3 };
    expect(
      checksumOfParts(
        'CRC64NVME',
        'FULL_OBJECT',
        Array.from({ length: 1000 }, () => part),
      ).value,
    ).toHaveLength(12);
  });

  it('composite are the sum of the sums and the number of parts', () => {
    const parts = [Buffer.from('a'), Buffer.from('b')].map((part) => ({ value: sum('SHA256', part), bytes: 1 }));
    const expected = createHash('sha256')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part.value, 'base64'))))
      .digest('base64');
    expect(checksumOfParts('SHA256', 'COMPOSITE', parts).value).toBe(`${expected}-2`);
  });
});
