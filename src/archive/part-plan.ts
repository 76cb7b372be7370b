import { AppError, formatBytes, GiB, MiB } from '../core/index.js';

/** Limits of S3 multipart uploads (S3 user guide, "Amazon S3 multipart upload limits"). */
export const s3Limits = {
  parts: 10_000,
  smallestPartBytes: 5 * MiB,
  largestPartBytes: 5 * GiB,
  /** 10,000 parts of 5 GiB: 48.8 TiB. */
  largestObjectBytes: 10_000 * 5 * GiB,
} as const;

/** How a stream of unknown length is cut into parts. */
export interface PartPlan {
  /** The size of part `partNumber` (1-based). Throws `object-too-large` past the last part S3 allows. */
  readonly partBytes: (partNumber: number) => number;
  /** What all parts together can hold. */
  readonly capacityBytes: number;
}

/** What is known of the stream before it is read. */
export interface PartPlanRequest {
  /** The likely size. */
  readonly expectedBytes: number;
  /** A size that the stream is not likely to pass whatever happens: the size of the partition, say. */
  readonly boundBytes: number;
}

/** As many parts are planned for the expected size; the rest is for streams that turn out longer. */
const plannedParts = 9_000;
const grownParts = s3Limits.parts - plannedParts;
/** Growth of each part after the planned ones: 5 MiB becomes 5 GiB within 351 parts. */
const growth = 1.02;

/**
 * The existing tool's rule, `expected size / 9000` and at least 5 MiB, for the first 9,000 parts; from there each part is
 * 2 % larger than the one before, up to 5 GiB. So even with no idea of the size 3 TiB fit, and the first parts are made
 * large enough for twice the bound (a tar of many small files is larger than the files) as far as one object can hold it.
 */
export function planParts({ expectedBytes, boundBytes }: PartPlanRequest): PartPlan {
  const target = Math.min(2 * Math.max(boundBytes, expectedBytes), s3Limits.largestObjectBytes);
  let base = clampPart(Math.ceil(expectedBytes / plannedParts));
  while (!holds(base, target) && base < s3Limits.largestPartBytes) base = clampPart(Math.ceil(base * 1.1));
  const capacityBytes = capacity(base);
  return {
    capacityBytes,
    partBytes: (partNumber) => {
      if (partNumber > s3Limits.parts) {
        throw new AppError(
          'object-too-large',
          `The archive is larger than the ${formatBytes(capacityBytes)} that its ${s3Limits.parts.toLocaleString('en-US')} parts can hold.`,
          { hint: 'Compress more (--compression zstd), or archive the partitions without --dd.' },
        );
      }
      return partSize(base, partNumber);
    },
  };
}

function partSize(base: number, partNumber: number): number {
  const grown = partNumber <= plannedParts ? base : Math.floor(base * growth ** (partNumber - plannedParts));
  return Math.min(grown, s3Limits.largestPartBytes);
}

/** How many parts after the planned ones are not as large as S3 allows. */
function growing(base: number): number {
  const steps = Math.ceil(Math.log(s3Limits.largestPartBytes / base) / Math.log(growth));
  // One more: a logarithm may be off by a little, and what is then too large is cut to the limit.
  return Math.min(steps + 1, grownParts);
}

function capacity(base: number): number {
  const several = growing(base);
  let bytes = plannedParts * base + (grownParts - several) * s3Limits.largestPartBytes;
  for (let part = plannedParts + 1; part <= plannedParts + several; part += 1) bytes += partSize(base, part);
  return bytes;
}

/** Whether all parts hold so much: by the sum of a geometric series, and part by part only where that is too close. */
function holds(base: number, targetBytes: number): boolean {
  const several = growing(base);
  const sum = (base * growth * (growth ** several - 1)) / (growth - 1);
  const about = plannedParts * base + sum + (grownParts - several) * s3Limits.largestPartBytes;
  // Growing parts are rounded down, and the last two may be larger in the series than S3 allows.
  const error = grownParts + 4 * (growth - 1) * s3Limits.largestPartBytes;
  if (Math.abs(about - targetBytes) > error) return about > targetBytes;
  return capacity(base) >= targetBytes;
}

function clampPart(bytes: number): number {
  return Math.min(Math.max(bytes, s3Limits.smallestPartBytes), s3Limits.largestPartBytes);
}
