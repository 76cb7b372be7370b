import type {
  EC2Client,
  Filter,
  Snapshot as RawSnapshot,
  Tag,
  Volume as RawVolume,
  VolumeType,
} from '@aws-sdk/client-ec2';
import {
  AppError,
  callAws,
  credentialsRenewal,
  snapshotId,
  volumeId,
  type AwsCall,
  type AwsCallHabits,
  type Clock,
  type InstanceId,
  type RetryPolicy,
  type SnapshotId,
  type VolumeId,
} from '../core/index.js';
import { ec2Sdk, type Ec2Sdk } from './ec2-sdk.js';
import type { Snapshot } from './snapshot.js';
import type { Volume } from './volume.js';

/**
 * What is asked of EC2, and nothing more. Every call retries what is worth it and fails with an AppError. Calls that make
 * something cannot be cancelled: whoever asks for a thing must learn its name to be able to remove it.
 */
export interface Ec2 {
  /** Our own snapshots whose tag has this value, page by page. */
  snapshotsTagged(tag: string, value: string, signal?: AbortSignal): AsyncIterable<Snapshot>;
  /** All snapshots of this account, page by page. */
  ownSnapshots(signal?: AbortSignal): AsyncIterable<Snapshot>;
  /** One snapshot, ours or shared with us. Throws `not-found`. */
  snapshot(id: SnapshotId, signal?: AbortSignal): Promise<Snapshot>;
  /** All volumes of this account, page by page. */
  ownVolumes(signal?: AbortSignal): AsyncIterable<Volume>;
  /** All volumes that were made of the snapshot and bear the tag key. */
  volumesOf(id: SnapshotId, tagKey: string, signal?: AbortSignal): AsyncIterable<Volume>;
  /** All volumes that bear the tag key. */
  volumesTagged(tagKey: string, signal?: AbortSignal): AsyncIterable<Volume>;
  /** One volume; undefined when there is none (any more). */
  volume(id: VolumeId, signal?: AbortSignal): Promise<Volume | undefined>;
  /** Repeating it with the same client token gives the same volume. */
  createVolume(request: CreateVolumeRequest): Promise<VolumeId>;
  /** A volume that is not there (any more) is fine. */
  deleteVolume(id: VolumeId): Promise<void>;
  attachVolume(request: AttachVolumeRequest): Promise<void>;
  /** A volume that is not attached (any more) is fine. */
  detachVolume(id: VolumeId, instanceId: InstanceId): Promise<void>;
  /** The device names that the instance has in use. */
  deviceNames(instanceId: InstanceId, signal?: AbortSignal): Promise<readonly string[]>;
  /** Of one resource, or of up to 1,000 (CreateTags), all or none of which then have them. */
  setTags(
    resource: string | readonly string[],
    tags: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<void>;
  removeTags(resource: string, keys: readonly string[], signal?: AbortSignal): Promise<void>;
}

/** A volume to be made: of a snapshot, or empty. */
export interface CreateVolumeRequest {
  readonly of: SnapshotId | { readonly sizeGiB: number; readonly encrypted: boolean };
  readonly availabilityZone: string;
  readonly volumeType: string;
  /** Undefined: as many as volumes of this type have by themselves. */
  readonly iops: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly clientToken: string;
}

/** A volume to be attached. */
export interface AttachVolumeRequest {
  readonly volumeId: VolumeId;
  readonly instanceId: InstanceId;
  readonly deviceName: string;
}

/** Pages of DescribeSnapshots and DescribeVolumes: the largest that EC2 allows is 1,000. */
const pageSize = 1000;

/** How EC2 is asked. */
export interface Ec2Options {
  readonly clock: Clock;
  readonly retryPolicy?: RetryPolicy;
  /** What it shares with the other calls of this process. */
  readonly habits?: AwsCallHabits;
}

/** EC2 through the official SDK. */
export function createEc2(client: EC2Client, { clock, retryPolicy, habits }: Ec2Options): Ec2 {
  const renewCredentials = credentialsRenewal(client.config.credentials);
  const call = <T>(
    what: AwsCall,
    send: (sdk: Ec2Sdk, options: { abortSignal: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> =>
    callAws(what, async (abortSignal) => send(await ec2Sdk(), { abortSignal }), {
      clock,
      signal,
      renewCredentials,
      ...habits,
      ...(retryPolicy === undefined ? {} : { policy: retryPolicy }),
    });
  /** Each page is fetched with retries of its own (the SDK's paginators end silently after a failed page). */
  async function* pages<Page extends { NextToken?: string | undefined }>(
    what: AwsCall,
    send: (sdk: Ec2Sdk, token: { NextToken?: string }, options: { abortSignal: AbortSignal }) => Promise<Page>,
    signal?: AbortSignal,
  ) {
    let token: string | undefined;
    do {
      const page: Page = await call(
        what,
        (sdk, options) => send(sdk, token === undefined ? {} : { NextToken: token }, options),
        signal,
      );
      yield page;
      token = page.NextToken === '' ? undefined : page.NextToken;
    } while (token !== undefined);
  }

  async function* snapshots(
    request: { Filters?: Filter[]; OwnerIds?: string[]; SnapshotIds?: string[] },
    signal?: AbortSignal,
  ) {
    const what = { action: 'ec2:DescribeSnapshots', resource: request.SnapshotIds?.join(', ') ?? 'all snapshots' };
    const fields = { ...request, ...sizeOfPage(request.SnapshotIds) };
    for await (const page of pages(
      what,
      (sdk, token, options) => client.send(new sdk.DescribeSnapshotsCommand({ ...fields, ...token }), options),
      signal,
    )) {
      yield* (page.Snapshots ?? []).map(parseSnapshot);
    }
  }
  async function* volumes(request: { Filters?: Filter[]; VolumeIds?: string[] }, signal?: AbortSignal) {
    const what = { action: 'ec2:DescribeVolumes', resource: request.VolumeIds?.join(', ') ?? 'all volumes' };
    const fields = { ...request, ...sizeOfPage(request.VolumeIds) };
    for await (const page of pages(
      what,
      (sdk, token, options) => client.send(new sdk.DescribeVolumesCommand({ ...fields, ...token }), options),
      signal,
    )) {
      yield* (page.Volumes ?? []).map(parseVolume);
    }
  }

  return {
    snapshotsTagged: (tag, value, signal) =>
      snapshots({ OwnerIds: ['self'], Filters: [{ Name: `tag:${tag}`, Values: [escapeFilter(value)] }] }, signal),
    ownSnapshots: (signal) => snapshots({ OwnerIds: ['self'] }, signal),
    snapshot: async (id, signal) => {
      for await (const found of snapshots({ SnapshotIds: [id] }, signal)) return found;
      throw new AppError('not-found', `Snapshot ${id} does not exist in this region.`);
    },
    ownVolumes: (signal) => volumes({}, signal),
    volumesOf: (id, tagKey, signal) =>
      volumes(
        {
          Filters: [
            { Name: 'snapshot-id', Values: [id] },
            { Name: 'tag-key', Values: [escapeFilter(tagKey)] },
          ],
        },
        signal,
      ),
    volumesTagged: (tagKey, signal) =>
      volumes({ Filters: [{ Name: 'tag-key', Values: [escapeFilter(tagKey)] }] }, signal),
    volume: async (id, signal) => {
      try {
        for await (const found of volumes({ VolumeIds: [id] }, signal)) return found;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
    createVolume: async (request) => {
      const { of } = request;
      const resource = typeof of === 'string' ? of : `a volume of ${of.sizeGiB} GiB`;
      const created = await call({ action: 'ec2:CreateVolume', resource }, (sdk, options) =>
        client.send(
          new sdk.CreateVolumeCommand({
            ...(typeof of === 'string' ? { SnapshotId: of } : { Size: of.sizeGiB }),
            // Whether it is where nothing is said is a setting of the account.
            ...(typeof of !== 'string' && of.encrypted ? { Encrypted: true } : {}),
            AvailabilityZone: request.availabilityZone,
            VolumeType: request.volumeType as VolumeType,
            ...(request.iops === undefined ? {} : { Iops: request.iops }),
            ClientToken: request.clientToken,
            TagSpecifications: [{ ResourceType: 'volume', Tags: toTags(request.tags) }],
          }),
          options,
        ),
      );
      return volumeId(created.VolumeId ?? '');
    },
    deleteVolume: async (id) => {
      await unlessGone(
        call({ action: 'ec2:DeleteVolume', resource: id }, (sdk, options) =>
          client.send(new sdk.DeleteVolumeCommand({ VolumeId: id }), options),
        ),
      );
    },
    attachVolume: async (request) => {
      await call(
        { action: 'ec2:AttachVolume', resource: `${request.volumeId} as ${request.deviceName}` },
        (sdk, options) =>
          client.send(
            new sdk.AttachVolumeCommand({
              VolumeId: request.volumeId,
              InstanceId: request.instanceId,
              Device: request.deviceName,
            }),
            options,
          ),
      );
    },
    detachVolume: async (id, from) => {
      await unlessGone(
        call({ action: 'ec2:DetachVolume', resource: id }, (sdk, options) =>
          client.send(new sdk.DetachVolumeCommand({ VolumeId: id, InstanceId: from }), options),
        ),
      );
    },
    deviceNames: async (id, signal) => {
      const answer = await call(
        { action: 'ec2:DescribeInstanceAttribute', resource: id },
        (sdk, options) =>
          client.send(
            new sdk.DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: 'blockDeviceMapping' }),
            options,
          ),
        signal,
      );
      return (answer.BlockDeviceMappings ?? []).flatMap((mapping) => mapping.DeviceName ?? []);
    },
    setTags: async (resource, tags, signal) => {
      const all = typeof resource === 'string' ? [resource] : [...resource];
      const [first = ''] = all;
      await call(
        { action: 'ec2:CreateTags', resource: all.length === 1 ? first : `${first} and ${all.length - 1} more` },
        (sdk, options) => client.send(new sdk.CreateTagsCommand({ Resources: all, Tags: toTags(tags) }), options),
        signal,
      );
    },
    removeTags: async (resource, keys, signal) => {
      await call(
        { action: 'ec2:DeleteTags', resource },
        (sdk, options) =>
          client.send(
            new sdk.DeleteTagsCommand({ Resources: [resource], Tags: keys.map((Key) => ({ Key })) }),
            options,
          ),
        signal,
      );
    },
  };
}

/** EC2 takes no page size together with a list of ids. */
function sizeOfPage(ids: readonly string[] | undefined): { MaxResults?: number } {
  return ids === undefined ? { MaxResults: pageSize } : {};
}

/** EC2 reads `*`, `?` and `\` in the values of filters as a pattern. */
function escapeFilter(text: string): string {
  return text.replace(/[\\*?]/g, (character) => `\\${character}`);
}

function toTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function fromTags(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}

function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.code === 'not-found';
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function parseSnapshot(raw: RawSnapshot): Snapshot {
  return {
    snapshotId: snapshotId(raw.SnapshotId ?? ''),
    volumeId: volumeId(raw.VolumeId ?? ''),
    startTime: raw.StartTime ?? new Date(0),
    volumeGiB: raw.VolumeSize ?? 0,
    fullSizeBytes: raw.FullSnapshotSizeInBytes,
    description: raw.Description ?? '',
    state: raw.State ?? 'unknown',
    storageTier: raw.StorageTier ?? 'standard',
    encrypted: raw.Encrypted ?? false,
    ownerId: raw.OwnerId ?? '',
    tags: fromTags(raw.Tags),
  };
}

function parseVolume(raw: RawVolume): Volume {
  return {
    volumeId: volumeId(raw.VolumeId ?? ''),
    snapshotId: raw.SnapshotId === undefined || raw.SnapshotId === '' ? undefined : snapshotId(raw.SnapshotId),
    state: raw.State ?? 'unknown',
    availabilityZone: raw.AvailabilityZone ?? '',
    encrypted: raw.Encrypted ?? false,
    sizeGiB: raw.Size ?? 0,
    tags: fromTags(raw.Tags),
    attachments: (raw.Attachments ?? []).map((attachment) => ({
      instanceId: attachment.InstanceId ?? '',
      deviceName: attachment.Device ?? '',
      state: attachment.State ?? 'unknown',
    })),
  };
}
