import { multipartTypes, checksumAlgorithms, type ChecksumAlgorithm, type ChecksumType } from '../checksums/index.js';
import { S3Error } from '../errors.js';
import type { ObjectAttributes } from '../state/index.js';
import { requireValidValue } from './integrity.js';
import { checksumHeader, header, type S3Request } from './request.js';

/** Headers that S3 keeps and gives back as they are. */
const keptHeaders = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'];
/** Names, values included, at most so many bytes (S3 user guide, "Working with object metadata"). */
const largestMetadataBytes = 2048;
/** PutObject, x-amz-storage-class; those of directory buckets and Outposts are not here. */
const storageClasses = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
];
/** Reads what a new object is to bear. Throws S3Errors for what S3 refuses. */
export function readAttributes(request: S3Request): ObjectAttributes {
  const storageClass = header(request, 'x-amz-storage-class') ?? 'STANDARD';
  if (!storageClasses.includes(storageClass)) {
    throw new S3Error('InvalidStorageClass', 'The storage class you specified is not valid', {
      StorageClassRequested: storageClass,
    });
  }
  return {
    headers: keep(request),
    metadata: readMetadata(request),
    storageClass,
    encryption: readEncryption(request),
  };
}

function keep(request: S3Request): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of keptHeaders) {
    const value = header(request, name);
    if (value !== undefined) kept[name] = value;
  }
  // aws-chunked is how the body travels, not what the object is.
  const encoding = (header(request, 'content-encoding') ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked');
  if (encoding.length > 0) kept['content-encoding'] = encoding.join(',');
  return kept;
}

function readMetadata(request: S3Request): Record<string, string> {
  const prefix = 'x-amz-meta-';
  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const name of Object.keys(request.headers)) {
    if (!name.startsWith(prefix)) continue;
    const value = header(request, name) ?? '';
    metadata[name.slice(prefix.length)] = value;
    bytes += name.length - prefix.length + Buffer.byteLength(value);
  }
  if (bytes > largestMetadataBytes) {
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      Size: String(bytes),
      MaxSizeAllowed: String(largestMetadataBytes),
    });
  }
  return metadata;
}

function readEncryption(request: S3Request): ObjectAttributes['encryption'] {
  const algorithm = header(request, 'x-amz-server-side-encryption') ?? 'AES256';
  const kmsKeyId = header(request, 'x-amz-server-side-encryption-aws-kms-key-id');
  if (algorithm !== 'AES256' && algorithm !== 'aws:kms' && algorithm !== 'aws:kms:dsse') {
    throw new S3Error('InvalidEncryptionAlgorithmError', 'The encryption method specified is not supported');
  }
  if (kmsKeyId !== undefined && algorithm === 'AES256') {
    throw new S3Error(
      'InvalidArgument',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    );
  }
  return {
    algorithm,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(header(request, 'x-amz-server-side-encryption-bucket-key-enabled') === 'true' ? { bucketKey: true } : {}),
  };
}

/** The checksum that a multipart upload is to have. Throws `InvalidRequest` for pairs that S3 does not have. */
export function readMultipartChecksum(request: S3Request): {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly asked: boolean;
} {
  const name = header(request, 'x-amz-checksum-algorithm');
  const type = header(request, 'x-amz-checksum-type');
  if (name === undefined) return { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', asked: false };
  const algorithm = checksumAlgorithms.find((known) => known === name.toUpperCase());
  if (algorithm === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    );
  }
  const chosen =
    type === undefined ? multipartTypes[algorithm][0] : multipartTypes[algorithm].find((known) => known === type);
  if (chosen === undefined) {
    throw new S3Error(
      'InvalidRequest',
      `The ${String(type)} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type: chosen, asked: true };
}

/** The checksum of the whole that CompleteMultipartUpload was called with, maybe with `-N`. Throws `InvalidRequest`. */
export function readObjectChecksum(request: S3Request, algorithm: ChecksumAlgorithm): string | undefined {
  const name = checksumHeader(algorithm);
  const value = header(request, name);
  if (value !== undefined) requireValidValue(name, value.replace(/-\d+$/, ''), algorithm);
  return value;
}
