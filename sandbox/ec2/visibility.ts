import type { Period } from '../server/service-fault.js';
import type { Region, Snapshot, Volume } from './state/index.js';

/** How a volume or snapshot was before a change that is not seen yet. */
export interface Unseen {
  readonly region: string;
  readonly id: string;
  /** Undefined: it was not there. */
  readonly before: { readonly volume: Volume } | { readonly snapshot: Snapshot } | undefined;
  readonly lateness: Period;
  /** Somebody looked, and saw something else than there is. */
  applied(): void;
}

/** Which changes are not seen yet (EC2 user guide, "Eventual consistency"). */
export interface Visibility {
  /** The changes of a region that are not seen yet, in their order. */
  unseenIn(region: string): readonly Unseen[];
  add(unseen: readonly Unseen[]): void;
}

/** Starts with everything seen. */
export function newVisibility(): Visibility {
  let all: readonly Unseen[] = [];
  const forgetOver = (): void => {
    if (all.some(({ lateness }) => lateness.isOver)) all = all.filter(({ lateness }) => !lateness.isOver);
  };
  return {
    unseenIn: (region) => {
      forgetOver();
      return all.filter((one) => one.region === region);
    },
    add: (unseen) => {
      forgetOver();
      all = [...all, ...unseen];
    },
  };
}

/** The region as it was before some changes; of several changes to one thing, before the first. Only for looking. */
export function viewWithout(unseen: readonly Unseen[], region: Region): Region {
  const volumes = new Map(region.volumes);
  const snapshots = new Map(region.snapshots);
  for (const { id, before } of unseen.toReversed()) {
    volumes.delete(id);
    snapshots.delete(id);
    if (before === undefined) continue;
    if ('volume' in before) volumes.set(id, before.volume);
    else snapshots.set(id, before.snapshot);
  }
  return { ...region, volumes: inOrder(volumes), snapshots: inOrder(snapshots) };
}

/** Listings and their pages follow the sequence. */
function inOrder<T extends { readonly sequence: number }>(items: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...items].sort(([, a], [, b]) => a.sequence - b.sequence));
}

/** A region that notes how the things were that are changed in it, until `stop`, which gives the notes. */
export function noting(region: Region): {
  readonly region: Region;
  stop(): ReadonlyMap<string, Unseen['before']>;
} {
  const notes = new Map<string, Unseen['before']>();
  let isStopped = false;
  const note = (id: string): void => {
    if (isStopped || notes.has(id)) return;
    const volume = region.volumes.get(id);
    const snapshot = region.snapshots.get(id);
    notes.set(id, volume !== undefined ? { volume } : snapshot !== undefined ? { snapshot } : undefined);
  };
  return {
    region: {
      ...region,
      putVolume: (volume) => {
        note(volume.id);
        region.putVolume(volume);
      },
      removeVolume: (id) => {
        note(id);
        region.removeVolume(id);
      },
      putSnapshot: (snapshot) => {
        note(snapshot.id);
        region.putSnapshot(snapshot);
      },
      removeSnapshot: (id) => {
        note(id);
        region.removeSnapshot(id);
      },
    },
    stop: () => {
      isStopped = true;
      return notes;
    },
  };
}
