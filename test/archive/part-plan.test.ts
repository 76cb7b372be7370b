import { describe, expect, it } from 'vitest';
import { planParts, s3Limits } from '../../src/archive/part-plan.js';
import { GiB, MiB, TiB } from '../../src/core/index.js';

/** Cuts a stream of this size as the uploader does, and counts the parts. */
function partsFor(streamBytes: number, plan: ReturnType<typeof planParts>): number {
  let left = streamBytes;
  for (let part = 1; ; part += 1) {
    left -= plan.partBytes(part);
    if (left <= 0) return part;
  }
}

describe('the plan of parts', () => {
  it('is the expected size over 9,000 and at least 5 MiB', () => {
    expect(planParts({ expectedBytes: 1 * GiB, boundBytes: GiB }).partBytes(1)).toBe(5 * MiB);
    expect(planParts({ expectedBytes: 900_000 * MiB, boundBytes: 900_000 * MiB }).partBytes(9_000)).toBe(100 * MiB);
  });

  it.each([0, 1, 5 * MiB, 40 * GiB, 1 * TiB, 16 * TiB])(
    'lets no stream pass 10,000 parts when %d bytes were expected and 3 TiB or twice the bound came',
    (expectedBytes) => {
      const plan = planParts({ expectedBytes, boundBytes: expectedBytes });
      expect(partsFor(Math.max(3 * TiB, 2 * expectedBytes), plan)).toBeLessThanOrEqual(s3Limits.parts);
    },
  );

  it('is made for the partition where statfs lies', () => {
    const plan = planParts({ expectedBytes: 4096, boundBytes: 16 * TiB });
    expect(partsFor(32 * TiB, plan)).toBeLessThanOrEqual(s3Limits.parts);
  });

  it('keeps every part within the limits of S3', () => {
    for (const expectedBytes of [0, 10 * TiB, 64 * TiB, 1000 * TiB]) {
      const plan = planParts({ expectedBytes, boundBytes: expectedBytes });
      for (const part of [1, 9_000, 9_001, 9_500, 10_000]) {
        expect(plan.partBytes(part)).toBeGreaterThanOrEqual(s3Limits.smallestPartBytes);
        expect(plan.partBytes(part)).toBeLessThanOrEqual(s3Limits.largestPartBytes);
        expect(Number.isInteger(plan.partBytes(part))).toBe(true);
      }
      expect(plan.capacityBytes).toBeLessThanOrEqual(s3Limits.largestObjectBytes);
    }
  });

  it('says so when not even 10,000 parts of 5 GiB are enough', () => {
    const plan = planParts({ expectedBytes: 64 * TiB, boundBytes: 64 * TiB });
    expect(() => partsFor(64 * TiB, plan)).toThrow(
      expect.objectContaining({ code: 'object-too-large', message: expect.stringContaining('48.8 TiB') }),
    );
  });
});
