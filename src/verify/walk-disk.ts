import { AppError, mapAhead, printable, startThread, type Thread } from '../core/index.js';
import { aclText } from './acl-text.js';
import { readAttributes, type AttributesByPath } from './attributes.js';
import type { ContentAnswer, ContentOrder, ContentQuestion } from './content-thread.js';
import type { TreeEntry } from './tree-entry.js';
import type { WalkAnswer, WalkedEntry, WalkOrder } from './walk-thread.js';

/** How a tree on a disk is read. */
export interface WalkOptions {
  /** The filesystem type: the subvolumes of one btrfs are gone into, other filesystems mounted in the tree are not. */
  readonly filesystemType: string;
  /** Files read at once. */
  readonly parallelism: number;
  /** Told how many sockets were passed over: no tar has them. */
  readonly onSockets?: ((count: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Holes beyond this are not read, as the archive's side does not sum them; see `TarFile.sha256`. */
const mostHoleBytes = 16 * 1024 ** 3;

/**
 * Reads everything below a directory by itself, without tar: lstat, readlink, the bytes of files, getfattr; in the order of
 * `comparePaths`. Memory holds the names of the directories on the way, and of files with several names one each. Throws
 * `source-unreadable`, naming the path; `program-missing` and `program-failed` for getfattr.
 */
export async function* walkDisk(root: string, options: WalkOptions): AsyncGenerator<TreeEntry, void> {
  const { signal, parallelism } = options;
  const order: WalkOrder = { root: Buffer.from(root), entersOthers: options.filesystemType === 'btrfs' };
  const walker = startThread<'next', WalkAnswer>(new URL('./walk-thread.js', import.meta.url), {
    task: 'walks the disk',
    data: order,
  });
  const readers = Array.from({ length: parallelism }, () =>
    startThread<readonly ContentQuestion[], ContentAnswer>(new URL('./content-thread.js', import.meta.url), {
      task: 'reads the files of the disk',
      data: { root: Buffer.from(root) } satisfies ContentOrder,
    }),
  );
  try {
    let turn = 0;
    const finished = mapAhead(batches(walker, options), parallelism * 2, async (batch) => {
      signal?.throwIfAborted();
      turn += 1;
      const reader = readers[turn % readers.length];
      const [sums, attributes] = await Promise.all([
        reader === undefined ? new Map<string, string>() : sumsOf(batch, reader),
        readAttributes(
          root,
          batch.flatMap((entry) => (entry.type === 'hardlink' ? [] : [entry.path])),
          signal,
        ),
      ]);
      return batch.map((entry) => treeEntry(entry, sums, attributes));
    });
    for await (const entries of finished) yield* entries;
  } finally {
    await Promise.all([walker, ...readers].map((thread) => thread[Symbol.asyncDispose]()));
  }
}

async function* batches(
  walker: Thread<'next', WalkAnswer>,
  { onSockets, signal }: WalkOptions,
): AsyncGenerator<readonly WalkedEntry[], void> {
  let next = walker.ask('next');
  next.catch(() => undefined);
  for (;;) {
    signal?.throwIfAborted();
    const answer = await next;
    if (answer.kind === 'failed') throw unreadable(answer);
    if (answer.sockets > 0) onSockets?.(answer.sockets);
    if (!answer.isLast) {
      next = walker.ask('next');
      next.catch(() => undefined);
    }
    yield answer.entries;
    if (answer.isLast) return;
  }
}

async function sumsOf(
  entries: readonly WalkedEntry[],
  reader: Thread<readonly ContentQuestion[], ContentAnswer>,
): Promise<ReadonlyMap<string, string>> {
  const files = entries.filter(({ type, holeBytes }) => type === 'file' && holeBytes <= mostHoleBytes);
  if (files.length === 0) return new Map();
  const answer = await reader.ask(files.map(({ path, sizeBytes }) => ({ path, sizeBytes })));
  if (answer.kind === 'failed') throw unreadable(answer);
  return new Map(files.map(({ path }, index) => [path, answer.sha256[index] ?? '']));
}

function treeEntry(entry: WalkedEntry, sums: ReadonlyMap<string, string>, attributes: AttributesByPath): TreeEntry {
  const { path, type, target = '' } = entry;
  const xattrs = attributes.get(path);
  const facts = {
    path: Buffer.from(path, 'latin1'),
    sizeBytes: entry.sizeBytes,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    xattrs,
    aclAccess: aclOf(xattrs, 'system.posix_acl_access'),
    aclDefault: aclOf(xattrs, 'system.posix_acl_default'),
  };
  switch (type) {
    case 'file':
      return { ...facts, type, sha256: sums.get(path), dataSha256: undefined };
    case 'symlink':
    case 'hardlink':
      return { ...facts, type, linkTarget: Buffer.from(target, 'latin1') };
    case 'character-device':
    case 'block-device':
      return { ...facts, type, ...deviceNumber(entry.rdev) };
    case 'directory':
    case 'fifo':
      return { ...facts, type };
  }
}

function aclOf(xattrs: ReadonlyMap<string, Buffer> | undefined, name: string): string | undefined {
  const value = xattrs?.get(name);
  return value === undefined ? undefined : aclText(value);
}

/** As makedev(3) packs them on Linux: 12 and 8 low bits, and the high ones further up. */
function deviceNumber(rdev: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

function unreadable({ path, reason }: { readonly path: string; readonly reason: string }): AppError {
  const shown = printable(Buffer.from(path, 'latin1').toString());
  return new AppError('source-unreadable', `Reading ${shown} from the disk failed: ${printable(reason)}.`, {
    hint: 'If the filesystem is damaged, see dmesg; validate once more with a new temporary volume.',
  });
}
