import type { RegionSettings, Snapshot, StateChange, Volume } from './model.js';

/** What one region holds, by id, in the order of sequences. */
export interface Region {
  readonly name: string;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly settings: RegionSettings;
  putVolume(volume: Volume): void;
  removeVolume(id: string): void;
  putSnapshot(snapshot: Snapshot): void;
  removeSnapshot(id: string): void;
  putSettings(settings: RegionSettings): void;
}

/** A region, with the two things that only the store does with it. */
export interface StoredRegion extends Region {
  /** Takes over what the disk says. */
  apply(change: StateChange): void;
  /** Everything that the region holds, as changes to an empty one. */
  content(): Iterable<StateChange>;
}

const newSettings: RegionSettings = { encryptionByDefault: false };

/** An empty region. `record` is told every change that is made, not those that are taken over. */
export function newRegion(name: string, record: (change: StateChange) => void): StoredRegion {
  const volumes = new Map<string, Volume>();
  const snapshots = new Map<string, Snapshot>();
  let settings = newSettings;

  const apply = (change: StateChange): void => {
    switch (change.kind) {
      case 'volume':
        volumes.set(change.volume.id, change.volume);
        break;
      case 'volume-removed':
        volumes.delete(change.id);
        break;
      case 'snapshot':
        snapshots.set(change.snapshot.id, change.snapshot);
        break;
      case 'snapshot-removed':
        snapshots.delete(change.id);
        break;
      case 'settings':
        settings = change.settings;
        break;
      case 'format':
      case 'instance':
        break;
    }
  };
  const make = (change: StateChange): void => {
    apply(change);
    record(change);
  };
  return {
    name,
    volumes,
    snapshots,
    get settings() {
      return settings;
    },
    putVolume: (volume) => make({ kind: 'volume', region: name, volume }),
    removeVolume: (id) => make({ kind: 'volume-removed', region: name, id }),
    putSnapshot: (snapshot) => make({ kind: 'snapshot', region: name, snapshot }),
    removeSnapshot: (id) => make({ kind: 'snapshot-removed', region: name, id }),
    putSettings: (changed) => make({ kind: 'settings', region: name, settings: changed }),
    apply,
    *content() {
      if (settings !== newSettings) yield { kind: 'settings', region: name, settings };
      for (const volume of volumes.values()) yield { kind: 'volume', region: name, volume };
      for (const snapshot of snapshots.values()) yield { kind: 'snapshot', region: name, snapshot };
    },
  };
}
