import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type Clock } from '../../../src/core/index.js';
import { openJournal, readJournal, type Journal } from './journal.js';
import { stateChange, type Instance, type StateChange } from './model.js';
import { newAccount } from './new-account.js';
import { newRegion, type Region, type StoredRegion } from './region.js';
import { readVersion1 } from './version-1.js';

/** All that EC2 remembers. Reads are of memory; whoever changes something awaits {@link Ec2State.save} afterwards. */
export interface Ec2State {
  readonly instance: Instance;
  putInstance(instance: Instance): void;
  region(name: string): Region;
  regions(): readonly Region[];
  nextSequence(): number;
  /** Resolves when what is in memory now is on disk. Changes that wait together are written together. */
  save(): Promise<void>;
}

/** The file is written anew when it has doubled, and this besides. */
const tolerableGrowthBytes = 4 * 1024 * 1024;

/**
 * Reads `<directory>/state.jsonl`, or takes over a `state.json` of the first version, or begins anew with one instance.
 * The file is a journal: saving appends what has changed, however much there is. Throws `usage` when a file is not ours.
 */
export async function openState(directory: string, { clock }: { readonly clock: Clock }): Promise<Ec2State> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'state.jsonl');
  const memory = newMemory();
  for await (const change of savedChanges(path)) memory.apply(change);
  const journal = await openJournal(path);
  if (journal.bytes === 0) {
    const former = join(directory, 'state.json');
    const changes = (await formerChanges(former)) ?? newAccount(clock.now());
    for (const change of changes) memory.apply(change);
    await journal.rewrite(linesOf(memory.content()));
    await rm(former, { force: true });
  }
  const save = saving(journal, memory);
  return {
    get instance() {
      return memory.instance();
    },
    putInstance: (instance) => memory.putInstance(instance),
    region: (name) => memory.region(name),
    regions: () => memory.regions(),
    nextSequence: () => memory.nextSequence(),
    save,
  };
}

interface Memory {
  instance(): Instance;
  putInstance(instance: Instance): void;
  region(name: string): StoredRegion;
  regions(): readonly StoredRegion[];
  nextSequence(): number;
  apply(change: StateChange): void;
  content(): Iterable<StateChange>;
  /** The changes that were made since the last time. */
  takeUnsaved(): readonly StateChange[];
  /** Gives them back because they could not be saved. */
  returnUnsaved(changes: readonly StateChange[]): void;
}

function newMemory(): Memory {
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

function saving(journal: Journal, memory: Memory): Ec2State['save'] {
  let rewrittenBytes = journal.bytes;
  let writing: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    waiting = undefined;
    const changes = memory.takeUnsaved();
    try {
      await journal.append([...linesOf(changes)]);
    } catch (error) {
      memory.returnUnsaved(changes);
      throw error;
    }
    if (journal.bytes <= 2 * rewrittenBytes + tolerableGrowthBytes) return;
    await journal.rewrite(linesOf(memory.content()));
    rewrittenBytes = journal.bytes;
  };
  return () => (waiting ??= writing = writing.catch(() => undefined).then(write));
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

async function* savedChanges(path: string): AsyncGenerator<StateChange> {
  let number = 0;
  for await (const line of readJournal(path)) {
    number += 1;
    yield parsed(`${path}, line ${number},`, () => {
      const change = stateChange.parse(JSON.parse(line));
      if (number === 1 && change.kind !== 'format') throw new Error('The first line does not say the format.');
      return change;
    });
  }
}

async function formerChanges(path: string): Promise<readonly StateChange[] | undefined> {
  try {
    return await readVersion1(path);
  } catch (cause) {
    throw notOurs(path, cause);
  }
}

function parsed<T>(where: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw notOurs(where, cause);
  }
}

function notOurs(where: string, cause: unknown): AppError {
  return new AppError('usage', `${where} is not from a state file of this sandbox.`, {
    cause,
    hint: 'Give another directory with --state, or remove this one to begin anew.',
  });
}

function* linesOf(changes: Iterable<StateChange>): Generator<string> {
  for (const change of changes) yield JSON.stringify(change);
}
