// The thread of `walkDisk` that goes from entry to entry. Calls that wait are the fastest here: a million times nothing.
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../core/errors.js';
import { reached } from './long-path.js';

/** What the thread is started with. */
export interface WalkOrder {
  readonly root: Uint8Array;
  /** False: what another filesystem is mounted on is an entry, but what is in it is not. */
  readonly entersOthers: boolean;
}

/** An entry as lstat and readlink tell it. Paths are latin1 text, one character a byte. */
export interface WalkedEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';
  readonly sizeBytes: number;
  /** Of the size, what is not allocated. */
  readonly holeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: string;
  readonly target: string | undefined;
  readonly rdev: bigint;
}

/** What the thread answers each time it is asked to go on. */
export type WalkAnswer =
  | {
      readonly kind: 'entries';
      readonly entries: readonly WalkedEntry[];
      readonly isLast: boolean;
      readonly sockets: number;
    }
  | { readonly kind: 'failed'; readonly path: string; readonly reason: string };

const entriesAtOnce = 1_024;
const contentBytesAtOnce = 16 * 1024 * 1024;

class Unreadable extends Error {
  constructor(
    readonly path: string,
    cause: unknown,
  ) {
    super(messageOf(cause), { cause });
  }
}

function* walk({ root, entersOthers }: WalkOrder): Generator<WalkedEntry | 'socket', void> {
  const rootPath = Buffer.from(root);
  const at = <T>(path: string, use: (path: Buffer) => T): T => {
    try {
      return reached(rootPath, Buffer.from(path, 'latin1'), use);
    } catch (error) {
      throw new Unreadable(path, error);
    }
  };
  const factsOf = (path: string): BigIntStats => at(path, (reach) => lstatSync(reach, { bigint: true }));
  /** Of files with several names, those whose names have not all come yet. */
  const linked = new Map<string, { readonly first: string; left: bigint }>();
  const firstNameOf = (path: string, facts: BigIntStats): string | undefined => {
    const key = `${facts.dev}:${facts.ino}`;
    const known = linked.get(key);
    if (known === undefined) {
      linked.set(key, { first: path, left: facts.nlink - 1n });
      return undefined;
    }
    known.left -= 1n;
    if (known.left === 0n) linked.delete(key);
    return known.first;
  };
  const rootFacts = factsOf('.');
  const entry = (path: string, facts: BigIntStats): WalkedEntry | 'socket' => {
    const type = typeOf(facts);
    if (type === 'socket') return 'socket';
    // GNU tar keeps the several names of a device or a pipe as things of their own.
    const hasLinks = (type === 'file' || type === 'symlink') && facts.nlink > 1n;
    const first = hasLinks ? firstNameOf(path, facts) : undefined;
    const isContent = type === 'file' && first === undefined;
    return {
      path,
      type: first === undefined ? type : 'hardlink',
      sizeBytes: isContent ? Number(facts.size) : 0,
      holeBytes: isContent ? Math.max(0, Number(facts.size - facts.blocks * 512n)) : 0,
      mode: Number(facts.mode & 0o7777n),
      uid: Number(facts.uid),
      gid: Number(facts.gid),
      mtime: decimalSeconds(facts.mtimeNs),
      target: first ?? (type === 'symlink' ? at(path, (reach) => readlinkSync(reach, 'latin1')) : undefined),
      rdev: facts.rdev,
    };
  };
  const namesIn = (path: string): string[] =>
    at(path, (reach) => readdirSync(reach, 'latin1')).sort((a, b) => (a < b ? -1 : 1));
  yield entry('.', rootFacts);
  const open = [{ prefix: '', names: namesIn('.'), next: 0 }];
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    const name = directory.names[directory.next];
    directory.next += 1;
    if (name === undefined) {
      open.pop();
      continue;
    }
    const path = `${directory.prefix}${name}`;
    const facts = factsOf(path);
    yield entry(path, facts);
    if (facts.isDirectory() && (entersOthers || facts.dev === rootFacts.dev)) {
      open.push({ prefix: `${path}/`, names: namesIn(path), next: 0 });
    }
  }
}

function typeOf(facts: BigIntStats): Exclude<WalkedEntry['type'], 'hardlink'> | 'socket' {
  if (facts.isFile()) return 'file';
  if (facts.isDirectory()) return 'directory';
  if (facts.isSymbolicLink()) return 'symlink';
  if (facts.isBlockDevice()) return 'block-device';
  if (facts.isCharacterDevice()) return 'character-device';
  return facts.isFIFO() ? 'fifo' : 'socket';
}

/** `-1500000000n` -> `-1.5`. */
function decimalSeconds(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${nanoseconds < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

const walking = walk(workerData as WalkOrder);

function answer(): WalkAnswer {
  const entries: WalkedEntry[] = [];
  let sockets = 0;
  let contentBytes = 0;
  try {
    while (entries.length < entriesAtOnce && contentBytes < contentBytesAtOnce) {
      const next = walking.next();
      if (next.done === true) return { kind: 'entries', entries, isLast: true, sockets };
      if (next.value === 'socket') sockets += 1;
      else {
        entries.push(next.value);
        contentBytes += next.value.sizeBytes;
      }
    }
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'failed', path: error.path, reason: error.message };
    throw error;
  }
  return { kind: 'entries', entries, isLast: false, sockets };
}

parentPort?.on('message', () => parentPort?.postMessage(answer()));
