// What EBS direct needs of EC2, to which the snapshots belong. EC2 implements it (sandbox/ec2/direct-access.ts).

/** A tag in the form in which EC2 keeps it. */
export interface SnapshotTag {
  readonly key: string;
  readonly value: string;
}

/** A snapshot as it is now. */
export interface SnapshotFacts {
  readonly id: string;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly startedAtMs: number;
  readonly tags: readonly SnapshotTag[];
  readonly status:
    | { readonly kind: 'pending' }
    | { readonly kind: 'completed'; readonly completedAtMs: number }
    | { readonly kind: 'error' };
  /** False for one that another account has shared with this one: it can be read, but is nobody's parent here. */
  readonly isOwn: boolean;
  /** Begun with StartSnapshot; false: made of a volume. */
  readonly writtenDirectly: boolean;
  /** Its volume, and the snapshots and volumes that this one was made from: what makes snapshots of one lineage. */
  readonly ancestors: readonly string[];
}

/** A snapshot that is to be begun. */
export interface NewSnapshot {
  readonly sizeGiB: number;
  readonly description: string;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly tags: readonly SnapshotTag[];
}

/** The snapshots of EC2. */
export interface SnapshotPort {
  readonly accountId: string;
  /** Undefined where the region has no such snapshot. */
  find(region: string, id: string): SnapshotFacts | undefined;
  /** Whether any region has it. */
  exists(id: string): boolean;
  /** How many snapshots of a region are pending. */
  pendingCount(region: string): number;
  /** Adds a pending snapshot, at once; {@link SnapshotPort.save} puts it on disk. */
  start(region: string, snapshot: NewSnapshot): SnapshotFacts;
  save(): Promise<void>;
  /** Whether {@link SnapshotPort.complete} has taken a file for it. */
  hasBytes(id: string): Promise<boolean>;
  /** Takes the file as the bytes of a pending snapshot, which is completed then. May be repeated. */
  complete(region: string, id: string, bytes: { readonly file: string }): Promise<void>;
  /** `pending` -> `error`, with the message that DescribeSnapshots shows. */
  fail(region: string, id: string, reason: string): Promise<void>;
  /** The file with the bytes of a completed snapshot. Never written to. */
  file(id: string): string;
}
