import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type Clock } from '../../../src/core/index.js';
import { openJournal, readJournal, type Journal } from './journal.js';
import { newMemory, type Memory } from './memory.js';
import { stateChange, type Instance, type StateChange } from './model.js';
import { newAccount } from './new-account.js';
import type { Region } from './region.js';
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
