import { Ec2Error, instanceNotFound, snapshotNotFound, volumeNotFound } from '../errors.js';
import { resourceTypeOf, type ResourceType } from '../ids.js';
import type { Instance, Snapshot, Tag, Volume } from '../state/index.js';
import type { OperationContext } from './operation.js';

/** The volume. Throws `InvalidVolume.NotFound`. */
export function volumeOf(id: string, { region }: OperationContext): Volume {
  const volume = region.volumes.get(id);
  if (volume === undefined) throw volumeNotFound(id);
  return volume;
}

/** The snapshot. Throws `InvalidSnapshot.NotFound`. */
export function snapshotOf(id: string, { region }: OperationContext): Snapshot {
  const snapshot = region.snapshots.get(id);
  if (snapshot === undefined) throw snapshotNotFound(id);
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
  setTags(tags: readonly Tag[]): void;
}

/** All that bears tags in this region, in the order of listings. */
export function allTagged(context: OperationContext): readonly Tagged[] {
  const { region } = context;
  return [
    ...instances(context).map((instance) => taggedInstance(instance, context)),
    ...[...region.volumes.values()].map((volume) => taggedVolume(volume, context)),
    ...[...region.snapshots.values()].map((snapshot) => taggedSnapshot(snapshot, context)),
  ].sort((a, b) => a.sequence - b.sequence);
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

function taggedVolume({ id, sequence, tags }: Volume, context: OperationContext): Tagged {
  const setTags = (changed: readonly Tag[]): void =>
    context.region.putVolume({ ...volumeOf(id, context), tags: [...changed] });
  return { id, type: 'volume', sequence, tags, setTags };
}

function taggedSnapshot({ id, sequence, tags }: Snapshot, context: OperationContext): Tagged {
  const setTags = (changed: readonly Tag[]): void =>
    context.region.putSnapshot({ ...snapshotOf(id, context), tags: [...changed] });
  return { id, type: 'snapshot', sequence, tags, setTags };
}

function taggedInstance({ id, tags }: Instance, { lifecycle }: OperationContext): Tagged {
  const { state } = lifecycle;
  const setTags = (changed: readonly Tag[]): void => state.putInstance({ ...state.instance, tags: [...changed] });
  return { id, type: 'instance', sequence: 0, tags, setTags };
}
