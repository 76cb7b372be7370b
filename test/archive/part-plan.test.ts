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

/** The rule, part by part. */
function slowPlan({ expectedBytes, boundBytes }: { expectedBytes: number; boundBytes: number }) {
  const clamp = (bytes: number): number => Math.min(Math.max(bytes, 5 * MiB), 5 * GiB);
  const size = (base: number, part: number): number =>
    Math.min(part <= 9_000 ? base : Math.floor(base * 1.02 ** (part - 9_000)), 5 * GiB);
  const capacity = (base: number): number => {
    let bytes = 9_000 * base;
    for (let part = 9_001; part <= 10_000; part += 1) bytes += size(base, part);
    return bytes;
  };
  const target = Math.min(2 * Math.max(boundBytes, expectedBytes), s3Limits.largestObjectBytes);
  let base = clamp(Math.ceil(expectedBytes / 9_000));
  while (capacity(base) < target && base < 5 * GiB) base = clamp(Math.ceil(base * 1.1));
  return { base, capacityBytes: capacity(base), partBytes: (part: number) => size(base, part) };
}

describe('the plan of parts', () => {
  it('is what the rule gives, of whatever size', () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const sizes = [0, 1, 5 * MiB, 9_000 * 5 * MiB, 9_000 * 5 * MiB + 1, 3 * TiB, 45 * TiB, s3Limits.largestObjectBytes];
    const anySize = (): number => Math.floor(2 ** (20 + 27 * random()));
    const requests = [
      ...sizes.flatMap((expectedBytes) => sizes.map((boundBytes) => ({ expectedBytes, boundBytes }))),
      ...Array.from({ length: 500 }, () => ({ expectedBytes: anySize(), boundBytes: anySize() })),
    ];
    // Where exactly twice the bound fits, and where it no longer does.
    for (const { boundBytes } of requests.slice(-100)) {
      const { capacityBytes } = slowPlan({ expectedBytes: 0, boundBytes });
      for (const off of [-1, 0, 1])
        requests.push({ expectedBytes: 0, boundBytes: Math.floor(capacityBytes / 2) + off });
    }
    for (const request of requests) {
      const [plan, slow] = [planParts(request), slowPlan(request)];
      const parts = [1, 9_000, 9_001, 9_002, 9_100, 9_350, 9_351, 9_999, 10_000];
      expect({
        ...request,
        capacityBytes: plan.capacityBytes,
        sizes: parts.map(plan.partBytes),
      }).toEqual({ ...request, capacityBytes: slow.capacityBytes, sizes: parts.map(slow.partBytes) });
    }
  });

  it('takes a small part of the time that going through all parts takes', () => {
    const slow = performance.now();
    for (let n = 0; n < 200; n += 1) slowPlan({ expectedBytes: n * GiB, boundBytes: 16 * TiB });
    const slowMs = performance.now() - slow;
    const quick = performance.now();
    for (let n = 0; n < 200; n += 1) planParts({ expectedBytes: n * GiB, boundBytes: 16 * TiB });
    const quickMs = performance.now() - quick;
    expect(quickMs).toBeLessThan(slowMs / 3);
  });

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
