import type { InstanceId, SnapshotId, VolumeId } from '../core/index.js';

/** Where a volume is attached. */
export interface VolumeAttachment {
  readonly instanceId: string;
  /** The name asked for at attaching, `/dev/sdf`; the kernel may show another. */
  readonly deviceName: string;
  /** `attaching`, `attached`, `detaching`, `detached`, `busy`. */
  readonly state: string;
}

/** A volume as EC2 describes it, parsed. */
export interface Volume {
  readonly volumeId: VolumeId;
  readonly snapshotId: SnapshotId | undefined;
  /** `creating`, `available`, `in-use`, `deleting`, `deleted`, `error`. */
  readonly state: string;
  readonly availabilityZone: string;
  readonly encrypted: boolean;
  readonly sizeGiB: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly attachments: readonly VolumeAttachment[];
}

/** Where we run. */
export interface Instance {
  readonly instanceId: InstanceId;
  readonly availabilityZone: string;
  readonly region: string;
}
