import { chmod, chown, lstat, rmdir, unlink } from 'node:fs/promises';
import { pickMembers, type IndexItem, type TarEntry, type TarEntryDraft } from '../archive/index.js';
import { AppError, count, printable, type BufferPool, type RestoredObject } from '../core/index.js';
import { extractTar } from '../restore/index.js';
import { s3Url, type ByteRange } from '../store/index.js';
import type { FoundObject } from './find-archive.js';
import { fittingKeys, type FittingKeys } from './fitting-key.js';
import { ofObject, openArchive } from './open-archive.js';
import { pathPattern } from './path-pattern.js';
import { openRandomAccess } from './random-access.js';
import { readIndexOf } from './read-index-of.js';
import { entriesOf, entryChoice, selectEntries, type EntryChoice, type Selected } from './select-entries.js';
import { restoreProgress } from './restore-progress.js';
import type { RestoreObjectDependencies } from './restore-settings.js';

/** What restoring a tar needs. */
export interface RestoreTarDependencies extends RestoreObjectDependencies {
  readonly pool: BufferPool;
  readonly choice: EntryChoice;
  readonly devices: boolean;
  /** Told each entry that passes. */
  readonly onEntry?: (entry: TarEntry) => void;
}

/**
 * Restores the files of a tar object to an empty directory: all in one stream, or, where only some are wanted and the
 * archive allows it, by reading just these. What is written is proven by the checksums of the frames before it is written,
 * and by the index when it has passed; with the first wrong byte it ends. Throws `unsafe-archive`, `restore-failed`,
 * `corrupt-archive` and what reading throws.
 */
export async function restoreTar(
  object: FoundObject,
  directory: string,
  dependencies: RestoreTarDependencies,
): Promise<Pick<RestoredObject, 'entries' | 'writtenBytes' | 'fetchedBytes'>> {
  const { events, snapshotId, store, choice, devices, isRoot, signal } = dependencies;
  const { key } = object.stored;
  const keys = await fittingKeys(object, dependencies);
  const progress = restoreProgress(object, dependencies);
  const reading = { ...dependencies, ...keys, onReceived: progress.received };
  const index = readIndexOf(object, reading);
  const selected = index === undefined || choice.isAll ? undefined : await selectedOf(object, index, dependencies);
  const isKept = (member: TarEntryDraft): boolean =>
    (devices || !isDevice(member)) &&
    (choice.isWanted(member) || selected?.onlyForLinks.has(member.path.toString('latin1')) === true);
  const listed = selected?.entries ?? (index === undefined ? undefined : entriesOf(index));
  const check = createIndexCheck(listed, isKept);
  let [entries, writtenBytes, devicesLeftOut] = [0, 0, 0];
  const pick = pickMembers({
    pick: (member) => {
      requireInside(member);
      if (selected === undefined && member.type === 'hardlink') requireTarget(member, choice);
      if (isDevice(member) && !devices && choice.isWanted(member)) devicesLeftOut += 1;
      return isKept(member);
    },
    onEntry: async (entry) => {
      entries += 1;
      writtenBytes += entry.sizeBytes;
      dependencies.onEntry?.(entry);
      await check.check(entry);
    },
  });
  const source = await openSource(object, selected, { ...dependencies, ...keys, onReceived: progress.received });
  try {
    const tar = pick(progress.counted(source), { signal });
    await extractTar(tar, {
      directory,
      isRoot,
      signal,
      onWarning: (text) => events({ kind: 'warning', snapshotId, text }),
    });
    await check.end();
  } catch (error) {
    throw ofObject(error, s3Url(store, key));
  } finally {
    await check.leave();
  }
  if (selected !== undefined) await tidy(directory, selected, isRoot);
  if (devicesLeftOut > 0) {
    const text = `${count(devicesLeftOut, 'device node')} left out; --devices restores them too.`;
    events({ kind: 'notice', snapshotId, text });
  }
  progress.finish();
  return { entries: entries - (selected?.onlyForLinks.size ?? 0), writtenBytes, fetchedBytes: progress.fetchedBytes() };
}

async function selectedOf(
  { index, stored }: FoundObject,
  items: AsyncIterable<IndexItem>,
  { store, choice }: RestoreTarDependencies,
): Promise<Selected> {
  try {
    const selected = await selectEntries(items, choice);
    for (const { path } of selected.parents) requireInside({ path });
    return selected;
  } catch (error) {
    throw ofObject(error, s3Url(store, index?.key ?? stored.key));
  }
}

/** The bytes of the tar, or of those parts of it that are wanted, which are a tar as well. */
async function openSource(
  { stored, name, expected }: FoundObject,
  selected: Selected | undefined,
  dependencies: RestoreTarDependencies & FittingKeys & { readonly onReceived: (bytes: number) => void },
): Promise<AsyncIterable<Buffer>> {
  const { downloadStreams: streams, pool } = dependencies;
  if (selected !== undefined && !name.encrypted) {
    const access = await openRandomAccess({ key: stored.key, codec: name.codec }, { ...dependencies, streams });
    if (access !== undefined) {
      return (async function* () {
        await using opened = access;
        for (const range of selected.ranges) {
          requireWithin(range, opened.rawBytes);
          yield* opened.read(range);
        }
        yield Buffer.alloc(1024);
      })();
    }
  }
  const archive = await openArchive({ key: stored.key, ...name, expected }, { ...dependencies, streams });
  return (async function* () {
    for await (const raw of archive) {
      yield raw;
      pool.giveBack(raw);
    }
    archive.verdict();
  })();
}

function requireWithin({ from, to }: ByteRange, rawBytes: number): void {
  if (to <= rawBytes) return;
  const text = `The index has an entry from byte ${from} to byte ${to} of the tar, which has ${rawBytes}.`;
  throw new AppError('corrupt-archive', text);
}

/** Holds the entries that pass against the index, which has them in the same order. */
function createIndexCheck(
  entries: readonly TarEntry[] | AsyncGenerator<TarEntry, void> | undefined,
  isKept: (entry: TarEntry) => boolean,
) {
  const listed = entries === undefined || 'next' in entries ? entries : entries[Symbol.iterator]();
  const next = async (): Promise<TarEntry | undefined> => {
    for (;;) {
      const read = await listed?.next();
      if (read === undefined || read.done === true) return undefined;
      if (isKept(read.value)) return read.value;
    }
  };
  return {
    check: async (entry: TarEntry): Promise<void> => {
      if (listed === undefined) return;
      const told = await next();
      if (told !== undefined && isSame(entry, told)) return;
      throw new AppError('corrupt-archive', `${named(entry)} is not what the index says of it.`);
    },
    end: async (): Promise<void> => {
      const told = await next();
      if (told !== undefined)
        throw new AppError('corrupt-archive', `${named(told)} is in the index, but not in the tar.`);
    },
    leave: async (): Promise<void> => {
      await listed?.return?.();
    },
  };
}

function isSame(entry: TarEntry, told: TarEntry): boolean {
  return (
    entry.path.equals(told.path) &&
    entry.type === told.type &&
    entry.sizeBytes === told.sizeBytes &&
    (entry.type !== 'file' || told.type !== 'file' || entry.sha256 === told.sha256)
  );
}

/** Above everything that tar itself does: what names a place outside is no archive of ours, and none that is trusted. */
function requireInside(member: TarEntryDraft | Pick<TarEntryDraft, 'path'>): void {
  const isLink = 'type' in member && member.type === 'hardlink';
  const paths = isLink ? [member.path, member.linkTarget] : [member.path];
  for (const path of paths) {
    if (!path.toString('latin1').split('/').includes('..')) continue;
    throw new AppError('unsafe-archive', `The archive has an entry that leads outside: ${named({ path })}.`, {
      hint: 'It was not made by this tool. Nothing of it is restored; look at it with: tar --list',
    });
  }
}

function requireTarget(member: TarEntryDraft & { readonly linkTarget: Buffer }, choice: EntryChoice): void {
  if (!choice.isWanted(member) || choice.isWanted({ ...member, path: member.linkTarget })) return;
  throw new AppError('usage', `${named(member)} is another name of ${named({ path: member.linkTarget })}.`, {
    hint: 'This archive has no index that can be read, so name that with --path as well.',
  });
}

function isDevice({ type }: TarEntryDraft): boolean {
  return type === 'character-device' || type === 'block-device';
}

function named({ path }: { readonly path: Buffer }): string {
  return JSON.stringify(printable(path.toString('utf8')));
}

/** Takes away what was only there for links, and gives the folders above what was restored their owners and modes. */
async function tidy(directory: string, { onlyForLinks, parents }: Selected, isRoot: boolean): Promise<void> {
  const place = (path: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), path]);
  for (const name of onlyForLinks) {
    let path = Buffer.from(name, 'latin1');
    await unlink(place(path));
    // Folders that are empty now were made for it.
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/')) {
      path = path.subarray(0, end);
      const isGone = await rmdir(place(path)).then(
        () => true,
        () => false,
      );
      if (!isGone) break;
    }
  }
  for (const { path, mode, uid, gid } of parents) {
    // The index calls it a folder; through a link it would be another one.
    const found = await lstat(place(path)).catch(ignoreMissing);
    if (found?.isDirectory() !== true) continue;
    if (isRoot) await chown(place(path), uid, gid);
    await chmod(place(path), mode);
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

/** The choice of what globs ask for; all, where there are none. */
export function choiceOf({ patterns }: { readonly patterns: readonly string[] }): EntryChoice {
  return entryChoice(patterns.map(pathPattern));
}
