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

/** What keeps a version from being deleted (S3 user guide, "Locking objects with Object Lock"). */
export interface ObjectLock {
  readonly retention?: Retention;
  /** Undefined where nobody ever placed one. */
  readonly legalHold?: 'ON' | 'OFF';
}

/** Until when a version is retained, and whether anybody may shorten that. */
export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly untilMs: number;
}

/** The retention of new objects of a bucket. */
export interface DefaultRetention {
  readonly mode: Retention['mode'];
  readonly period: { readonly unit: 'Days' | 'Years'; readonly count: number };
}

/** How fast an archived object is fetched. */
export type RetrievalTier = 'Expedited' | 'Standard' | 'Bulk';

/** The temporary copy of an archived object, from its request to its end. All times are of the machine's clock. */
export interface Restore {
  readonly tier: RetrievalTier;
  readonly days: number;
  /** From then on the copy can be read. */
  readonly readyMs: number;
  /** From then on it cannot any more. */
  readonly goneMs: number;
  /** The end as S3 tells it: a midnight, UTC. Not `goneMs` where the sandbox lets archives run faster. */
  readonly expiryMs: number;
}

/** An object, or one version of it. */
export interface StoredObject extends ObjectAttributes {
  readonly kind: 'object';
  readonly key: string;
  /** `null` where it was written while its bucket had no versioning. */
  readonly versionId: string;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly segments: readonly Segment[];
  readonly checksum: Checksum;
  /** Only for multipart objects. */
  readonly parts?: readonly ObjectPart[];
  readonly tags: Readonly<Record<string, string>>;
  readonly lock: ObjectLock;
  readonly restore?: Restore;
  /** The upload that it was completed from, so that completing it again answers the same. */
  readonly uploadId?: string;
}

/** Stands for an object that was deleted while its bucket had versioning. */
export interface DeleteMarker {
  readonly kind: 'delete-marker';
  readonly key: string;
  readonly versionId: string;
  readonly lastModifiedMs: number;
}

/** What a key may have several of. */
export type Version = StoredObject | DeleteMarker;

/** A key and all its versions, the newest first; there is at least one. */
export interface KeyVersions {
  readonly key: string;
  readonly versions: readonly Version[];
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
  /** What the request said; a default of the bucket is added when the upload is completed. */
  readonly lock: ObjectLock;
  readonly checksum: {
    readonly algorithm: ChecksumAlgorithm;
    readonly type: ChecksumType;
    /** False where S3 chose it because the client asked for none. */
    readonly asked: boolean;
  };
  readonly parts: Map<number, UploadedPart>;
}

/** What can be set of a bucket. */
export interface BucketSettings {
  /** Undefined for a bucket that never had versioning. */
  readonly versioning?: 'Enabled' | 'Suspended';
  /** There where Object Lock is enabled, which is for good. */
  readonly objectLock?: { readonly defaultRetention?: DefaultRetention };
}

/** A bucket and what is in it. */
export interface Bucket {
  readonly name: string;
  readonly region: string;
  readonly createdMs: number;
  /** Only the store replaces them. */
  settings: BucketSettings;
  /** The current objects: what listings show, and what is read without a version id. */
  readonly objects: KeyIndex<StoredObject>;
  /** Everything, with delete markers. */
  readonly versions: KeyIndex<KeyVersions>;
  /** Puts the versions of a key into both indexes; without any the key has gone. */
  readonly setVersions: (all: KeyVersions) => void;
  readonly uploads: Map<string, Upload>;
  /** By key: the conditional writes that have begun. */
  readonly conditionalWrites: Map<string, Set<ConditionalWrite>>;
  /** By key: whatever changes an object, or an upload to it, does so in its turn. */
  readonly turns: Turns;
}

/** A write with `If-Match` or `If-None-Match`, from its request to its end. */
export interface ConditionalWrite {
  /** It waits for its turn, or has it. */
  isCommitting: boolean;
  /** The key was deleted since it began. */
  sawDeletion: boolean;
}
