import type { AppError } from './errors.js';
import type { SnapshotId } from './ids.js';

/** What a stage of the work on one snapshot is, in the order in which they come. */
export type Stage =
  | 'claiming'
  | 'creating-volume'
  | 'creating-new-volume'
  | 'reusing-volume'
  | 'attaching-volume'
  | 'waiting-for-device'
  | 'reading-disk'
  | 'archiving'
  | 'writing-manifest'
  | 'validating'
  | 'making-filesystems'
  | 'restoring'
  | 'cleaning-up';

/** One object that arrived in S3. */
export interface ArchivedObject {
  readonly key: string;
  /** Bytes before compression. */
  readonly rawBytes: number;
  /** Bytes of the object in S3. */
  readonly storedBytes: number;
}

/** Something of an archive that is not as it should be. */
export interface ArchiveFinding {
  readonly snapshotId: SnapshotId;
  /** The object of the archive. */
  readonly key: string;
  readonly problem:
    /** The source has it, the archive does not; the other way round; twice in the archive. */
    | 'missing'
    | 'extra'
    | 'duplicate'
    /** The archive has other content or attributes than the source. */
    | 'different'
    /** The index does not say what is in the archive. */
    | 'index'
    /** The manifest does not say what the source is. */
    | 'manifest'
    /** The object, or something in it, cannot be read. */
    | 'damaged';
  /** Of an entry of a tar, as text; where that is not all of it, `pathBase64` has its bytes. */
  readonly path?: string;
  readonly pathBase64?: string;
  /** What is wrong, as a part of a sentence: `mode is 0644, not 0600`. */
  readonly text: string;
  readonly differences?: readonly { readonly what: string; readonly archive: string; readonly source: string }[];
}

/** What was compared of one object. */
export interface ValidatedObject {
  readonly key: string;
  /** Bytes of the object in S3, and before compression. */
  readonly storedBytes: number;
  readonly rawBytes: number;
  /** What was compared, as a sentence. */
  readonly compared: string;
  readonly findings: number;
}

/** One object that was restored. */
export interface RestoredObject {
  readonly key: string;
  /** The directory, file or device it was written to. */
  readonly to: string;
  /** Files, folders, links and so on that were written; undefined for an image. */
  readonly entries: number | undefined;
  /** Bytes that were written, holes included, and bytes that were fetched from S3. */
  readonly writtenBytes: number;
  readonly fetchedBytes: number;
}

/** Everything that the work tells the outside. `cli` renders it for people or as NDJSON; nothing else is ever printed. */
export type AppEvent =
  | {
      readonly kind: 'snapshots-found';
      readonly task: 'migrate' | 'validate' | 'restore';
      readonly snapshotIds: readonly SnapshotId[];
    }
  | { readonly kind: 'snapshot-started'; readonly snapshotId: SnapshotId; readonly description: string }
  | { readonly kind: 'stage'; readonly snapshotId: SnapshotId; readonly stage: Stage; readonly subject: string }
  /** Something the user should know but need not act upon. */
  | { readonly kind: 'notice'; readonly snapshotId?: SnapshotId; readonly text: string }
  /** Something the user should look into. */
  | { readonly kind: 'warning'; readonly snapshotId?: SnapshotId; readonly text: string }
  | {
      readonly kind: 'progress';
      readonly snapshotId: SnapshotId;
      readonly key: string;
      /** Bytes read from the disk so far. */
      readonly rawBytes: number;
      /** Bytes that S3 has confirmed so far. */
      readonly storedBytes: number;
      /** What `rawBytes` is expected to become; an estimate from statfs for tar, exact for images. */
      readonly expectedRawBytes: number;
    }
  /** A call of AWS failed and will be made again; for those who want to know everything. */
  | {
      readonly kind: 'retry';
      /** In IAM's words: `s3:PutObject`. */
      readonly action: string;
      readonly resource: string;
      /** The attempt that failed; 1 for the first. */
      readonly attempt: number;
      readonly pauseMs: number;
      /** What went wrong, as a sentence. */
      readonly reason: string;
    }
  | { readonly kind: 'object-archived'; readonly snapshotId: SnapshotId; readonly object: ArchivedObject }
  | {
      readonly kind: 'snapshot-archived';
      readonly snapshotId: SnapshotId;
      readonly manifestKey: string;
      readonly objects: readonly ArchivedObject[];
      readonly elapsedMs: number;
    }
  | ({ readonly kind: 'finding' } & ArchiveFinding)
  | { readonly kind: 'object-validated'; readonly snapshotId: SnapshotId; readonly object: ValidatedObject }
  | {
      readonly kind: 'snapshot-validated';
      readonly snapshotId: SnapshotId;
      readonly objects: readonly ValidatedObject[];
      readonly elapsedMs: number;
    }
  | { readonly kind: 'object-restored'; readonly snapshotId: SnapshotId; readonly object: RestoredObject }
  | {
      readonly kind: 'snapshot-restored';
      readonly snapshotId: SnapshotId;
      readonly to: string;
      readonly objects: readonly RestoredObject[];
      readonly elapsedMs: number;
    }
  /** Objects of an archive that were frozen are on their way; `waiting` of all `objects` cannot be read yet. */
  | {
      readonly kind: 'snapshot-asked-for';
      readonly snapshotId: SnapshotId;
      readonly objects: number;
      readonly waiting: number;
    }
  /** Another run has it, or has had it since this one began: neither done here nor failed. */
  | { readonly kind: 'snapshot-left'; readonly snapshotId: SnapshotId; readonly why: string }
  | { readonly kind: 'snapshot-failed'; readonly snapshotId: SnapshotId; readonly error: AppError }
  /** A program was started; told once for the same command line. */
  | { readonly kind: 'program-started'; readonly argv: readonly string[] }
  /** A call of AWS took long. */
  | { readonly kind: 'slow-call'; readonly action: string; readonly elapsedMs: number }
  | ({ readonly kind: 'run-finished' } & RunSummary)
  /** The run ended with a failure that concerns all snapshots. */
  | { readonly kind: 'run-failed'; readonly error: AppError };

/** What has become of all snapshots of a run. */
export interface RunSummary {
  readonly archived: number;
  readonly restored: number;
  /** Only asked for: their archives were frozen. */
  readonly askedFor: number;
  /** The ids of those whose archives were proven. */
  readonly validated: readonly SnapshotId[];
  readonly failed: readonly { readonly snapshotId: SnapshotId; readonly message: string }[];
  /** Snapshots that are other runs'. */
  readonly left: number;
  /** Bytes before compression, and in S3, of what was archived, proven or restored; once where it was both. */
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly elapsedMs: number;
}

/** Takes events as they happen; must not throw. */
export type EventSink = (event: AppEvent) => void;
