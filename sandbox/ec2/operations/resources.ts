import { onInstance, onSnapshot, onVolume } from '../access/index.js';
import type { Access } from '../../server/caller.js';
import { Ec2Error, instanceNotFound, snapshotNotFound, volumeNotFound } from '../errors.js';
import { resourceTypeOf, type ResourceType } from '../ids.js';
import type { Instance, Snapshot, Tag, Volume } from '../state/index.js';
import { isOwnedBy, isUsableBy } from '../sharing.js';
import type { OperationContext } from './operation.js';

/** The volume. Throws `InvalidVolume.NotFound`. */
export function volumeOf(id: string, { region }: OperationContext): Volume {
  const volume = region.volumes.get(id);
  if (volume === undefined) throw volumeNotFound(id);
  return volume;
}

/** The number of the account whose EC2 this is. */
export function accountOf({ lifecycle }: Pick<OperationContext, 'lifecycle'>): string {
  return lifecycle.state.instance.accountId;
}

/** The snapshot, which may be another account's that is shared. Throws `InvalidSnapshot.NotFound`. */
export function snapshotOf(id: string, context: Pick<OperationContext, 'region' | 'lifecycle'>): Snapshot {
  const snapshot = context.region.snapshots.get(id);
  if (snapshot === undefined || !isUsableBy(snapshot, accountOf(context))) throw snapshotNotFound(id);
  return snapshot;
}

/** The snapshot, for what only its owner may do. Throws `InvalidSnapshot.NotFound`, for a shared one too. */
export function ownSnapshotOf(id: string, context: OperationContext): Snapshot {
  const snapshot = snapshotOf(id, context);
  if (!isOwnedBy(snapshot, accountOf(context))) throw snapshotNotFound(id);
  return snapshot;
}

/** The instance. Throws `InvalidInstanceID.NotFound`. */
export function instanceOf(id: string, context: OperationContext): Instance {
  const instance = instances(context).find((candidate) => candidate.id === id);
  if (instance === undefined) throw instanceNotFound(id);
  return instance;
}

/** The instances of the region: the one machine, in its own region. */
export function instances({ region, lifecycle }: OperationContext): readonly Instance[] {
  const { instance } = lifecycle.state;
  return instance.region === region.name ? [instance] : [];
}

/** Anything that bears tags, and how to change them. */
export interface Tagged {
  readonly id: string;
  readonly type: ResourceType;
  /** Its place in listings. */
  readonly sequence: number;
  readonly tags: readonly Tag[];
  /** What IAM checks for a change of its tags; `conditions` are those of the request. */
  access(action: string, conditions: Access['context']): Access;
  setTags(tags: readonly Tag[]): void;
}

/** All that bears tags in this region, in the order of listings. */
export function* allTagged(context: OperationContext): Generator<Tagged> {
  const { region } = context;
  for (const instance of instances(context)) yield taggedInstance(instance, context);
  // Both come in the order of their sequences, so that merging needs no sorting.
  const volumes = region.volumes.values();
  let next = volumes.next();
  for (const snapshot of region.snapshots.values()) {
    for (; next.done !== true && next.value.sequence < snapshot.sequence; next = volumes.next()) {
      yield taggedVolume(next.value, context);
    }
    yield taggedSnapshot(snapshot, context);
  }
  for (; next.done !== true; next = volumes.next()) yield taggedVolume(next.value, context);
}

/** One resource that bears tags, of whatever type. Throws the `NotFound` of its type, `InvalidID` for no known type. */
export function taggedOf(id: string, context: OperationContext): Tagged {
  switch (resourceTypeOf(id)) {
    case 'volume':
      return taggedVolume(volumeOf(id, context), context);
    case 'snapshot':
      return taggedSnapshot(snapshotOf(id, context), context);
    case 'instance':
      return taggedInstance(instanceOf(id, context), context);
    case undefined:
      throw new Ec2Error('InvalidID', `The ID '${id}' is not valid`);
  }
}

function taggedVolume(volume: Volume, context: OperationContext): Tagged {
  const { id, sequence, tags } = volume;
  return {
    id,
    type: 'volume',
    sequence,
    tags,
    access: (action, conditions) => onVolume(action, volume, { context, conditions: conditions ?? {} }),
    setTags: (changed) => context.region.putVolume({ ...volumeOf(id, context), tags: [...changed] }),
  };
}

function taggedSnapshot(snapshot: Snapshot, context: OperationContext): Tagged {
  const { id, sequence, tags } = snapshot;
  return {
    id,
    type: 'snapshot',
    sequence,
    tags,
    access: (action, conditions) => onSnapshot(action, snapshot, { context, conditions: conditions ?? {} }),
    setTags: (changed) => context.region.putSnapshot({ ...snapshotOf(id, context), tags: [...changed] }),
  };
}

function taggedInstance(instance: Instance, context: OperationContext): Tagged {
  const { state } = context.lifecycle;
  return {
    id: instance.id,
    type: 'instance',
    sequence: 0,
    tags: instance.tags,
    access: (action, conditions) => onInstance(action, instance, { context, conditions: conditions ?? {} }),
    setTags: (changed) => state.putInstance({ ...state.instance, tags: [...changed] }),
  };
}
