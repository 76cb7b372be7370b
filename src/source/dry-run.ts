import type { EC2Client } from '@aws-sdk/client-ec2';
import {
  AppError,
  awsCode,
  callAws,
  type Clock,
  type InstanceId,
  type RetryPolicy,
  type SnapshotId,
  type VolumeId,
} from '../core/index.js';
import { ec2Sdk, type Ec2Sdk } from './ec2-sdk.js';
import type { AttachVolumeRequest } from './ec2.js';

/**
 * Asks EC2 whether we may do something, by its DryRun: nothing is done. Each resolves where it is allowed, and throws
 * `access-denied` where it is not. Any other error means that EC2 found something else to say before it came to that (the
 * volume is in the wrong state, for example), so that nobody knows. Throws `internal` where DryRun is not heeded.
 */
export interface DryRuns {
  describeSnapshots(signal?: AbortSignal): Promise<void>;
  describeVolumes(signal?: AbortSignal): Promise<void>;
  /** Without tags only CreateVolume is asked about, with them CreateTags on a new volume too. */
  createVolume(request: DryVolume, signal?: AbortSignal): Promise<void>;
  attachVolume(request: AttachVolumeRequest, signal?: AbortSignal): Promise<void>;
  detachVolume(id: VolumeId, instanceId: InstanceId, signal?: AbortSignal): Promise<void>;
  deleteVolume(id: VolumeId, signal?: AbortSignal): Promise<void>;
  setTag(id: SnapshotId | VolumeId, tag: DryTag, signal?: AbortSignal): Promise<void>;
  removeTag(id: SnapshotId | VolumeId, key: string, signal?: AbortSignal): Promise<void>;
}

/** A volume that would be made. */
export interface DryVolume {
  readonly snapshotId: SnapshotId;
  readonly availabilityZone: string;
  readonly tag: DryTag | undefined;
}

/** A tag that would be set. */
export interface DryTag {
  readonly key: string;
  readonly value: string;
}

const DryRun = true;

/** Dry runs through the official SDK. */
export function createDryRuns(
  client: EC2Client,
  { clock, retryPolicy }: { readonly clock: Clock; readonly retryPolicy: RetryPolicy },
): DryRuns {
  const ask = async (
    action: string,
    resource: string,
    send: (sdk: Ec2Sdk, options: { abortSignal: AbortSignal }) => Promise<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    try {
      await callAws(
        { action: `ec2:${action}`, resource },
        async (abortSignal) => send(await ec2Sdk(), { abortSignal }),
        {
          clock,
          signal,
          policy: retryPolicy,
        },
      );
    } catch (error) {
      if (awsCode(error) === 'DryRunOperation') return;
      throw error;
    }
    throw new AppError('internal', `EC2 did not heed that ec2:${action} was to be a dry run.`);
  };
  return {
    describeSnapshots: (signal) =>
      ask(
        'DescribeSnapshots',
        'all snapshots',
        (sdk, options) => client.send(new sdk.DescribeSnapshotsCommand({ DryRun }), options),
        signal,
      ),
    describeVolumes: (signal) =>
      ask(
        'DescribeVolumes',
        'all volumes',
        (sdk, options) => client.send(new sdk.DescribeVolumesCommand({ DryRun }), options),
        signal,
      ),
    createVolume: ({ snapshotId: SnapshotId, availabilityZone: AvailabilityZone, tag }, signal) => {
      const Tags = tag === undefined ? [] : [{ Key: tag.key, Value: tag.value }];
      const tags = tag === undefined ? {} : { TagSpecifications: [{ ResourceType: 'volume' as const, Tags }] };
      const request = { DryRun, SnapshotId, AvailabilityZone, VolumeType: 'gp2' as const, ...tags };
      return ask(
        'CreateVolume',
        SnapshotId,
        (sdk, options) => client.send(new sdk.CreateVolumeCommand(request), options),
        signal,
      );
    },
    attachVolume: ({ volumeId: VolumeId, instanceId: InstanceId, deviceName: Device }, signal) =>
      ask(
        'AttachVolume',
        `${VolumeId} and ${InstanceId}`,
        (sdk, options) => client.send(new sdk.AttachVolumeCommand({ DryRun, VolumeId, InstanceId, Device }), options),
        signal,
      ),
    detachVolume: (VolumeId, InstanceId, signal) =>
      ask(
        'DetachVolume',
        `${VolumeId} and ${InstanceId}`,
        (sdk, options) => client.send(new sdk.DetachVolumeCommand({ DryRun, VolumeId, InstanceId }), options),
        signal,
      ),
    deleteVolume: (VolumeId, signal) =>
      ask(
        'DeleteVolume',
        VolumeId,
        (sdk, options) => client.send(new sdk.DeleteVolumeCommand({ DryRun, VolumeId }), options),
        signal,
      ),
    setTag: (id, { key, value }, signal) =>
      ask(
        'CreateTags',
        id,
        (sdk, options) =>
          client.send(
            new sdk.CreateTagsCommand({ DryRun, Resources: [id], Tags: [{ Key: key, Value: value }] }),
            options,
          ),
        signal,
      ),
    removeTag: (id, Key, signal) =>
      ask(
        'DeleteTags',
        id,
        (sdk, options) => client.send(new sdk.DeleteTagsCommand({ DryRun, Resources: [id], Tags: [{ Key }] }), options),
        signal,
      ),
  };
}
