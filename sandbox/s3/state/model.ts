import type { KeyIndex } from './key-index.js';
import type { Turns } from './turns.js';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../checksums/index.js';

/** A file of the state directory that holds bytes of an object: a whole put, or one part. */
export interface Segment {
  readonly file: string;
  readonly bytes: number;
}

/** What an object bears besides its bytes; given with PutObject or CreateMultipartUpload. */
export interface ObjectAttributes {
  /** `content-type`, `cache-control`, …, as they are given back. */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly encryption: { readonly algorithm: string; readonly kmsKeyId?: string; readonly bucketKey?: true };
}

/** One part of an object that was uploaded in parts. */
export interface ObjectPart {
  readonly partNumber: number;
  readonly bytes: number;
  readonly checksum: string;
}

/** An object. */
export interface StoredObject extends ObjectAttributes {
  readonly key: string;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly segments: readonly Segment[];
  readonly checksum: Checksum;
  /** Only for multipart objects. */
  readonly parts?: readonly ObjectPart[];
  readonly tags: Readonly<Record<string, string>>;
}

/** A part of an upload that is not complete. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksum: string;
  readonly segment: Segment;
  readonly lastModifiedMs: number;
}

/** A multipart upload that is neither complete nor aborted. */
export interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedMs: number;
  readonly attributes: ObjectAttributes;
  readonly tags: Readonly<Record<string, string>>;
  readonly checksum: {
    readonly algorithm: ChecksumAlgorithm;
    readonly type: ChecksumType;
    /** False where S3 chose it because the client asked for none. */
    readonly asked: boolean;
  };
  readonly parts: Map<number, UploadedPart>;
}

/** A bucket and what is in it. */
export interface Bucket {
  readonly name: string;
  readonly region: string;
  readonly createdMs: number;
  readonly objects: KeyIndex<StoredObject>;
  readonly uploads: Map<string, Upload>;
  /** Keys for which a conditional write is under way. */
  readonly conditionalWrites: Set<string>;
  /** By key: whatever changes an object, or an upload to it, does so in its turn. */
  readonly turns: Turns;
}
