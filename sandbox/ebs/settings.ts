const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const dayMs = 24 * 60 * minuteMs;

/** Requests per second that an account may send in a region ("Quotas for Amazon EBS"), and what else is counted. */
export interface EbsQuotas {
  readonly getSnapshotBlock: number;
  readonly putSnapshotBlock: number;
  readonly listSnapshotBlocks: number;
  readonly listChangedBlocks: number;
  readonly startSnapshot: number;
  readonly completeSnapshot: number;
  /** GetSnapshotBlock requests per second for one snapshot. */
  readonly getSnapshotBlockOfSnapshot: number;
  /** PutSnapshotBlock requests per second for one snapshot. */
  readonly putSnapshotBlockOfSnapshot: number;
  /** Snapshots of a region that may be pending at a time. */
  readonly pendingSnapshots: number;
}

/** Those of a new account. */
export const defaultQuotas: EbsQuotas = {
  getSnapshotBlock: 1_000,
  putSnapshotBlock: 1_000,
  listSnapshotBlocks: 50,
  listChangedBlocks: 50,
  startSnapshot: 10,
  completeSnapshot: 10,
  getSnapshotBlockOfSnapshot: 1_000,
  putSnapshotBlockOfSnapshot: 1_000,
  pendingSnapshots: 100,
};

/** For tests of something else. */
export const noQuotas: EbsQuotas = {
  getSnapshotBlock: Infinity,
  putSnapshotBlock: Infinity,
  listSnapshotBlocks: Infinity,
  listChangedBlocks: Infinity,
  startSnapshot: Infinity,
  completeSnapshot: Infinity,
  getSnapshotBlockOfSnapshot: Infinity,
  putSnapshotBlockOfSnapshot: Infinity,
  pendingSnapshots: Infinity,
};

/** How long things take. */
export interface EbsDelays {
  /** How long a new snapshot "does not exist" for PutSnapshotBlock and CompleteSnapshot. At AWS up to two minutes. */
  readonly invisibleMs: number;
  /** From CompleteSnapshot to `completed` or `error`, besides the work itself. */
  readonly completeMs: number;
  /** How long a completed snapshot "does not exist" for those who read it. */
  readonly unreadableMs: number;
}

/** For people at a terminal. */
export const defaultEbsDelays: EbsDelays = { invisibleMs: 0, completeMs: 300, unreadableMs: 0 };

/** How listings are cut into pages. */
export interface EbsPaging {
  /** Empty pages with a NextToken before each page that has something. */
  readonly emptyPages: number;
  /** Blocks of a page, whatever MaxResults says: pages may be shorter than asked for. */
  readonly mostBlocks: number;
}

/** As full as asked for. */
export const defaultPaging: EbsPaging = { emptyPages: 0, mostBlocks: 10_000 };

/** How long tokens are good ("Frequently asked questions for EBS direct APIs"). */
export const lifetimes = { blockTokenMs: 7 * dayMs, pageTokenMs: 60 * minuteMs } as const;

/** Of StartSnapshot, when none is given. */
export const defaultTimeoutMinutes = 60;

/** The one size that blocks have. */
export const blockBytes = 512 * 1024;

/** How many blocks a GiB has. */
export const blocksPerGiB = 2_048;
