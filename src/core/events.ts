import type { AppError } from './errors.js';
import type { SnapshotId } from './ids.js';

/** What a stage of the work on one snapshot is, in the order in which they come. */
export type Stage =
  | 'claiming'
  | 'creating-volume'
  | 'reusing-volume'
  | 'attaching-volume'
  | 'waiting-for-device'
  | 'reading-disk'
  | 'archiving'
  | 'writing-manifest'
  | 'cleaning-up';

/** One object that arrived in S3. */
export interface ArchivedObject {
  readonly key: string;
  /** Bytes before compression. */
  readonly rawBytes: number;
  /** Bytes of the object in S3. */
  readonly storedBytes: number;
}

/** Everything that the work tells the outside. `cli` renders it for people or as NDJSON; nothing else is ever printed. */
export type AppEvent =
  | { readonly kind: 'snapshots-found'; readonly snapshotIds: readonly SnapshotId[] }
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
  readonly failed: readonly { readonly snapshotId: SnapshotId; readonly message: string }[];
  /** Snapshots that are other runs'. */
  readonly left: number;
  /** Bytes before compression, and in S3, of what was archived. */
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly elapsedMs: number;
}

/** Takes events as they happen; must not throw. */
export type EventSink = (event: AppEvent) => void;
