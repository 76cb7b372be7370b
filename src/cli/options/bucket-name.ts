import type { OptionValues } from './option-values.js';

/** Ends of names that are no buckets of the ordinary kind: what is missing behind them, uploads would find out too late. */
const otherKinds: readonly (readonly [RegExp, string])[] = [
  [/^arn:/i, 'is an ARN, and access points are not supported'],
  [/(?:-s3alias|--ol-s3|\.mrap)$/, 'is the alias of an access point, and access points are not supported'],
  [/--x-s3$/, 'is a directory bucket, which has no tags and no archive classes'],
  [/--table-s3$/, 'is a table bucket, which holds no objects'],
];

const rule =
  'A bucket has 3 to 63 lowercase letters, digits, dots and hyphens, begins and ends with a letter or digit, has no two ' +
  'dots side by side, and is no IP address.';

/**
 * Names that S3 gives (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html), and those that it
 * gave in us-east-1 until March 2018: up to 255 letters of both cases, digits, dots, hyphens and underscores.
 */
function canExist(name: string): boolean {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) || /^(?:xn--|sthree-|amzn-s3-demo-)/.test(name)) return false;
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) return !name.includes('..');
  // Only the old kind has what makes it old; a plain name that breaks today's rule was meant to follow it.
  return /^[A-Za-z0-9._-]{3,255}$/.test(name) && (/[A-Z_]/.test(name) || name.length > 63);
}

/**
 * The bucket, without `s3://`. Throws `usage` where it is missing, cannot be the name of a bucket, or names a place in
 * one: archives have the same keys everywhere, so there are no prefixes.
 */
export function readBucket(values: OptionValues): string {
  const given = values.text('bucket');
  const hint = 'Name the S3 bucket of the archives: --bucket backups.example.com';
  if (given === undefined) throw values.refusal('bucket', 'is missing.', hint);
  const name = given.replace(/^s3:\/\//i, '').replace(/\/$/, '');
  for (const [kind, why] of otherKinds) {
    if (kind.test(name)) throw values.refusal('bucket', `${why}.`, 'Name the bucket itself.');
  }
  if (name.includes('/')) {
    throw values.refusal(
      'bucket',
      'names a place in a bucket, but archives have the same keys in every bucket; there are no prefixes.',
      `Name the bucket alone: --bucket ${name.split('/').find((part) => part !== '') ?? 'backups.example.com'}`,
    );
  }
  if (!canExist(name)) throw values.refusal('bucket', 'cannot be a bucket.', rule);
  return name;
}
