import { lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../core/index.js';
import { run } from '../process/index.js';

/** An archive that is restored into a directory, part by part. Everything is made below a hidden folder first. */
export interface DirectoryTarget extends AsyncDisposable {
  /** Whether an earlier run, which was broken off, has finished this part. */
  isDone(part: string): boolean;
  /** An empty directory for a part; what an earlier run had begun of it is removed. */
  begin(part: string): Promise<string>;
  /** Puts a part in its place: a subfolder of its name, or, where it is the only one, the directory itself. */
  finish(part: string): Promise<void>;
  /** When all parts are finished: removes what only the work needed. */
  end(): Promise<void>;
}

/** What is restored. */
export interface DirectoryRequest {
  readonly directory: string;
  /** Which bytes they are: keys and ETags. A run that was broken off is only taken up for the same. */
  readonly identity: string;
  /** Its parts have subfolders of their own. */
  readonly hasSubfolders: boolean;
}

const workName = '.snap-to-s3-restoring';
/** All of a machine's memory may be waiting for a slow disk. */
const flushMs = 6 * 60 * 60_000;
const stateSchema = z.object({ identity: z.string(), done: z.array(z.string()) });

/**
 * Opens a directory that is not there yet, is empty, or has what an earlier run of the same left. Disposed before its
 * `end` it removes what is half done, and keeps what is finished. Throws `usage` for any other directory.
 */
export async function openDirectoryTarget(request: DirectoryRequest): Promise<DirectoryTarget> {
  const { directory, identity, hasSubfolders } = request;
  const work = join(directory, workName);
  const isNew = await made(directory);
  const done = new Set(await finishedBefore(request, work));
  const note = (): Promise<void> =>
    writeFile(join(work, 'state.json'), JSON.stringify({ identity, done: [...done] }), { mode: 0o600 });
  await mkdir(work, { recursive: true, mode: 0o700 });
  await note();
  let isEnded = false;
  let rootTime: string | undefined;
  return {
    isDone: (part) => done.has(part),
    begin: async (part) => {
      const folder = join(work, part);
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { mode: 0o700 });
      return folder;
    },
    finish: async (part) => {
      const folder = join(work, part);
      // A power loss must not leave names without contents.
      await run(['sync', '--file-system', folder], { limitMs: flushMs });
      if (hasSubfolders) {
        await rename(folder, join(directory, part));
        done.add(part);
        await note();
      } else rootTime = await moveInto(folder, directory);
    },
    end: async () => {
      await rm(work, { recursive: true, force: true });
      isEnded = true;
      if (rootTime !== undefined) await run(['touch', `--date=@${rootTime}`, directory]);
    },
    [Symbol.asyncDispose]: async () => {
      if (isEnded) return;
      if (done.size > 0) {
        for (const name of await readdir(work)) {
          if (name !== 'state.json') await rm(join(work, name), { recursive: true, force: true });
        }
        return;
      }
      await rm(work, { recursive: true, force: true });
      // What was put in its place already stays, and so does the directory then.
      if (isNew) await rmdir(directory).catch(() => undefined);
    },
  };
}

/** Makes the directory; false where it is there. */
async function made(directory: string): Promise<boolean> {
  try {
    return (await mkdir(directory, { recursive: true })) !== undefined;
  } catch (error) {
    throw new AppError('usage', `${JSON.stringify(directory)} cannot be made: ${messageOf(error)}.`, {
      hint: 'Name a directory that is not there yet, or an empty one, with --to-directory.',
      cause: error,
    });
  }
}

async function finishedBefore({ directory, identity }: DirectoryRequest, work: string): Promise<readonly string[]> {
  // Every fresh ext4 has it.
  const names = (await readdir(directory)).filter((name) => name !== 'lost+found');
  if (names.length === 0) return [];
  if (!names.includes(workName)) throw notEmpty(directory, names[0] ?? '');
  const state = stateSchema.safeParse(await stateOf(work));
  if (!state.success || state.data.identity !== identity) {
    throw new AppError('usage', `${directory} has what another restore has begun and not finished.`, {
      hint: `Name another directory, or remove what is there: ${directory}`,
    });
  }
  const { done } = state.data;
  const stranger = names.find((name) => name !== workName && !done.includes(name));
  if (stranger !== undefined) throw notEmpty(directory, stranger);
  return done.filter((part) => names.includes(part));
}

async function stateOf(work: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(work, 'state.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function notEmpty(directory: string, name: string): AppError {
  return new AppError('usage', `${directory} is not empty: ${JSON.stringify(name)} is in it.`, {
    hint: 'Nothing is written over what is there. Name a directory that is not there yet, or an empty one.',
  });
}

/** Moves everything from one directory to an empty one, and gives that the attributes of the first; returns its time. */
async function moveInto(from: string, to: string): Promise<string> {
  const { mtimeNs } = await lstat(from, { bigint: true });
  for (const name of await readdir(from, { encoding: 'buffer' })) {
    const [source, target] = [from, to].map((folder) => Buffer.concat([Buffer.from(`${folder}/`), name]));
    // An empty `lost+found` gives way.
    if (source !== undefined && target !== undefined) await rename(source, target);
  }
  // Mode, owner, extended attributes and ACL; nothing is in it any more.
  await run(['cp', '--archive', '--attributes-only', '--no-target-directory', `${from}/.`, to]);
  return secondsText(mtimeNs);
}

/** Nanoseconds since 1970 as seconds: `-1.500000000`. */
function secondsText(nanoseconds: bigint): string {
  const [sign, size] = nanoseconds < 0n ? ['-', -nanoseconds] : ['', nanoseconds];
  const digits = size.toString().padStart(10, '0');
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
