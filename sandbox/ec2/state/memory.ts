import type { Instance, StateChange } from './model.js';
import { newRegion, type StoredRegion } from './region.js';

/** The state in memory: what is read, and what has changed since it was saved. */
export interface Memory {
  instance(): Instance;
  putInstance(instance: Instance): void;
  region(name: string): StoredRegion;
  regions(): readonly StoredRegion[];
  nextSequence(): number;
  /** Takes over what the disk says. */
  apply(change: StateChange): void;
  /** Everything, as the changes that lead to it from nothing. */
  content(): Iterable<StateChange>;
  /** The changes that were made since the last time. */
  takeUnsaved(): readonly StateChange[];
  /** Gives them back because they could not be saved. */
  returnUnsaved(changes: readonly StateChange[]): void;
}

/** An empty memory, which gets its instance with the first changes. */
export function newMemory(): Memory {
  let instance: Instance | undefined;
  let lastSequence = 0;
  let unsaved: StateChange[] = [];
  const regions = new Map<string, StoredRegion>();
  const region = (name: string): StoredRegion => {
    const known = regions.get(name) ?? newRegion(name, (change) => unsaved.push(change));
    regions.set(name, known);
    return known;
  };
  const theInstance = (): Instance => {
    if (instance === undefined) throw new Error('The state has no instance.');
    return instance;
  };
  return {
    instance: theInstance,
    putInstance: (changed) => {
      instance = changed;
      unsaved.push({ kind: 'instance', instance: changed });
    },
    region,
    regions: () => [...regions.values()],
    nextSequence: () => (lastSequence += 1),
    apply: (change) => {
      lastSequence = Math.max(lastSequence, sequenceIn(change));
      if (change.kind === 'instance') instance = change.instance;
      else if (change.kind !== 'format') region(change.region).apply(change);
    },
    *content() {
      yield { kind: 'format', version: 2, lastSequence };
      yield { kind: 'instance', instance: theInstance() };
      for (const one of regions.values()) yield* one.content();
    },
    takeUnsaved: () => {
      const taken = unsaved;
      unsaved = [];
      return taken;
    },
    returnUnsaved: (changes) => {
      unsaved = [...changes, ...unsaved];
    },
  };
}

function sequenceIn(change: StateChange): number {
  switch (change.kind) {
    case 'format':
      return change.lastSequence;
    case 'volume':
      return change.volume.sequence;
    case 'snapshot':
      return change.snapshot.sequence;
    case 'instance':
    case 'settings':
    case 'volume-removed':
    case 'snapshot-removed':
      return 0;
  }
}
