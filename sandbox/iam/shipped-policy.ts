import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a user fills into the shipped policy. */
export interface PolicyPlaces {
  readonly bucket: string;
  /** The state tag, where `--tag` names another one. Default `snap-to-s3`. */
  readonly tag?: string;
}

/** What stands for the bucket in docs/iam-policy.json. */
const exampleBucket = 'backups.example.com';

/**
 * docs/iam-policy.json as a user would attach it, with the name of the bucket (and of the tag) put in, and nothing else
 * changed: what it does not allow fails here, not at a user's. Returns the JSON.
 */
export function shippedPolicy({ bucket, tag = 'snap-to-s3' }: PolicyPlaces): string {
  return readFileSync(shippedPath(), 'utf8')
    .replaceAll(`:::${exampleBucket}`, `:::${bucket}`)
    .replaceAll('aws:ResourceTag/snap-to-s3', `aws:ResourceTag/${tag}`);
}

/** The document lies two folders up from the sources and from `dist/command`, three from `dist/sandbox/iam`. */
function shippedPath(): string {
  const fromSources = join(import.meta.dirname, '../../docs/iam-policy.json');
  return existsSync(fromSources) ? fromSources : join(import.meta.dirname, '../../../docs/iam-policy.json');
}
