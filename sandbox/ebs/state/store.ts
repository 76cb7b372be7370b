import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/core/index.js';
import { stateFile, type SnapshotRecord, type StateFile } from './model.js';

/** All that EBS direct remembers, besides blocks. Whoever changes something awaits {@link EbsState.save} afterwards. */
export interface EbsState {
  readonly secret: Buffer;
  get(id: string): SnapshotRecord | undefined;
  all(): readonly SnapshotRecord[];
  put(record: SnapshotRecord): void;
  remove(id: string): void;
  /** Resolves when what is in memory now is on disk. Saves that wait together are written once. */
  save(): Promise<void>;
}

/** Reads `<directory>/state.json`, or begins anew. Throws `usage` when the file is not ours. */
export async function openEbsState(directory: string): Promise<EbsState> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'state.json');
  const file = await readState(path);
  const secret = file === undefined ? randomBytes(32) : Buffer.from(file.secret, 'base64');
  const records = new Map(file?.records.map((record) => [record.id, record]));
  let writing: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    waiting = undefined;
    const content: StateFile = { version: 1, secret: secret.toString('base64'), records: [...records.values()] };
    await writeFile(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
    await rename(`${path}.new`, path);
  };
  const state: EbsState = {
    secret,
    get: (id) => records.get(id),
    all: () => [...records.values()],
    put: (record) => void records.set(record.id, record),
    remove: (id) => void records.delete(id),
    save: () => {
      waiting ??= writing = writing.catch(() => undefined).then(write);
      return waiting;
    },
  };
  // Tokens outlive the process from the first one on.
  if (file === undefined) await state.save();
  return state;
}

async function readState(path: string): Promise<StateFile | undefined> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return stateFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('usage', `${path} is not a state file of this sandbox.`, {
      cause,
      hint: 'Give another directory with --state, or remove this one to begin anew.',
    });
  }
}
