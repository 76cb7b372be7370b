import { notImplemented, S3Error } from './errors.js';
import { checksumAlgorithms } from './checksums/index.js';
import { checksumHeader, header, type S3Request } from './http/request.js';

/** The x-amz headers that the sandbox honours, or that change nothing here. All others are refused by name. */
const honoured = new Set([
  // Of the signature and of the way the body travels.
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
  'x-amz-te',
  'x-amz-trailer',
  'x-amz-user-agent',
  // Of checksums.
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
  'x-amz-mp-object-size',
  'x-amz-sdk-checksum-algorithm',
  ...checksumAlgorithms.map(checksumHeader),
  // Of what an object bears.
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
  'x-amz-storage-class',
  'x-amz-tagging',
  // Of copies.
  'x-amz-copy-source',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-modified-since',
  'x-amz-copy-source-if-none-match',
  'x-amz-copy-source-if-unmodified-since',
  'x-amz-copy-source-range',
  'x-amz-metadata-directive',
  'x-amz-tagging-directive',
  // Of GetObjectAttributes.
  'x-amz-max-parts',
  'x-amz-object-attributes',
  'x-amz-part-number-marker',
  // The owner pays in any case, and owns everything.
  'x-amz-request-payer',
  'x-amz-expected-bucket-owner',
  'x-amz-source-expected-bucket-owner',
]);

/** Headers that are honoured with these values only: those that ask for what is the case anyway. */
const honouredValues: Readonly<Record<string, readonly string[]>> = {
  'x-amz-acl': ['private', 'bucket-owner-full-control'],
  'x-amz-bucket-object-lock-enabled': ['false'],
  'x-amz-object-ownership': ['BucketOwnerEnforced'],
};

/**
 * Refuses what the sandbox would otherwise ignore: a request that asks for more than it gets must not succeed.
 * Throws `NotImplemented`, and `AccessDenied` for a bucket that the client expects to be somebody else's.
 */
export function screen(request: S3Request, { accountId }: { readonly accountId: string }): void {
  for (const name of Object.keys(request.headers)) {
    if (!name.startsWith('x-amz-') || name.startsWith('x-amz-meta-') || honoured.has(name)) continue;
    const values = honouredValues[name];
    if (values === undefined) throw notImplemented(`the header ${name}`);
    const value = header(request, name) ?? '';
    if (!values.includes(value)) throw notImplemented(`${name}: ${value}`);
  }
  for (const name of ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']) {
    const owner = header(request, name);
    if (owner !== undefined && owner !== accountId) throw new S3Error('AccessDenied', 'Access Denied');
  }
}
