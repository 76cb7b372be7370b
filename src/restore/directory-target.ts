import { lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../core/index.js';
import { run } from '../process/index.js';

/** What an earlier run, which was broken off, has left of a part. */
export type PartLeft =
  | 'nothing'
  /** It was being written, and nothing tells which of it is whole. */
  | 'half-written'
  /** It was written, and was being put in its place: `finish` goes on with that. */
  | 'half-placed'
  | 'done';

/** An archive that is restored into a directory, part by part. Everything is made below a hidden folder first. */
export interface DirectoryTarget extends AsyncDisposable {
  left(part: string): Promise<PartLeft>;
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
const stateSchema = z.object({
  identity: z.string(),
  done: z.array(z.string()),
  /** The part that is being put in its place, and the time of its root. */
  placing: z.object({ part: z.string(), rootTime: z.string() }).optional(),
});

type Placing = NonNullable<z.infer<typeof stateSchema>['placing']>;

/**
 * Opens a directory that is not there yet, is empty, or has what an earlier run of the same left. Disposed before its
 * `end` it removes what is half done, and keeps what is finished. Throws `usage` for any other directory.
 */
export async function openDirectoryTarget(request: DirectoryRequest): Promise<DirectoryTarget> {
  const { directory, identity, hasSubfolders } = request;
  const work = join(directory, workName);
  const isNew = await made(directory);
  const before = await leftBefore(request, work);
  const done = new Set(before.done);
  let { placing } = before;
  const note = async (next: Placing | undefined): Promise<void> => {
    const path = join(work, 'state.json');
    await writeFile(`${path}~`, JSON.stringify({ identity, done: [...done], placing: next }), { mode: 0o600 });
    await rename(`${path}~`, path);
    placing = next;
  };
  await mkdir(work, { recursive: true, mode: 0o700 });
  await note(placing);
  let isEnded = false;
  return {
    left: async (part) => {
      if (done.has(part)) return 'done';
      if (placing?.part === part) return 'half-placed';
      return (await isThere(join(work, part))) ? 'half-written' : 'nothing';
    },
    begin: async (part) => {
      const folder = join(work, part);
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { mode: 0o700 });
      return folder;
    },
    finish: async (part) => {
      const folder = join(work, part);
      if (placing === undefined) {
        const { mtimeNs } = await lstat(folder, { bigint: true });
        await note({ part, rootTime: secondsText(mtimeNs) });
      }
      // A power loss must not leave names without contents.
      await run(['sync', '--file-system', work], { limitMs: flushMs });
      if (!hasSubfolders) {
        await moveInto(folder, directory);
        return;
      }
      await rename(folder, join(directory, part));
      done.add(part);
      await note(undefined);
    },
    end: async () => {
      if (placing !== undefined && (await isThere(join(work, placing.part, workName)))) {
        // The archive is of a disk on which a restore was broken off, and has that name itself.
        await rename(work, `${work}~`);
        await rename(join(`${work}~`, placing.part, workName), work);
        await rm(`${work}~`, { recursive: true, force: true });
      } else await rm(work, { recursive: true, force: true });
      isEnded = true;
      if (placing !== undefined) await setTime(directory, placing.rootTime);
    },
    [Symbol.asyncDispose]: async () => {
      // What is half placed can be placed by the next run.
      if (isEnded || placing !== undefined) return;
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

async function leftBefore(
  { directory, identity, hasSubfolders }: DirectoryRequest,
  work: string,
): Promise<{ readonly done: readonly string[]; readonly placing: Placing | undefined }> {
  // Every fresh ext4 has it.
  const names = (await readdir(directory)).filter((name) => name !== 'lost+found');
  if (names.length === 0) return { done: [], placing: undefined };
  if (!names.includes(workName)) throw notEmpty(directory, names[0] ?? '');
  const state = stateSchema.safeParse(await stateOf(work));
  if (!state.success || state.data.identity !== identity) {
    throw new AppError('usage', `${directory} has what another restore has begun and not finished.`, {
      hint: `Name another directory, or remove what is there: ${directory}`,
    });
  }
  let { done, placing } = state.data;
  if (placing !== undefined && hasSubfolders && !(await isThere(join(work, placing.part)))) {
    // It was in its place already.
    [done, placing] = [[...done, placing.part], undefined];
  }
  const isOurs = (name: string): boolean =>
    // What the part had in its root is not noted: there may be millions. Nothing is replaced in any case.
    name === workName || done.includes(name) || (placing !== undefined && !hasSubfolders);
  const stranger = names.find((name) => !isOurs(name));
  if (stranger !== undefined) throw notEmpty(directory, stranger);
  return { done: done.filter((part) => names.includes(part)), placing };
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

/** Moves everything from one directory to another, and gives that the attributes of the first, but for its time. */
async function moveInto(from: string, to: string): Promise<void> {
  for (const name of await readdir(from, { encoding: 'buffer' })) {
    if (name.equals(Buffer.from(workName))) continue;
    const source = Buffer.concat([Buffer.from(`${from}/`), name]);
    const target = Buffer.concat([Buffer.from(`${to}/`), name]);
    // An empty `lost+found` gives way. Whatever else is there has come meanwhile.
    if (name.toString('latin1') !== 'lost+found' && (await isThere(target))) {
      throw notEmpty(to, name.toString('utf8'));
    }
    await rename(source, target);
  }
  // Mode, owner, extended attributes and ACL; nothing is in it any more.
  await run(['cp', '--archive', '--attributes-only', '--no-target-directory', `${from}/.`, to]);
}

/** Does something in a directory, which has the time afterwards that it had before. */
export async function keepingTime(directory: string, work: () => Promise<void>): Promise<void> {
  const { mtimeNs } = await lstat(directory, { bigint: true });
  await work();
  await setTime(directory, secondsText(mtimeNs));
}

async function setTime(directory: string, seconds: string): Promise<void> {
  await run(['touch', `--date=@${seconds}`, directory]);
}

async function isThere(path: string | Buffer): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Nanoseconds since 1970 as seconds: `-1.500000000`. */
function secondsText(nanoseconds: bigint): string {
  const [sign, size] = nanoseconds < 0n ? ['-', -nanoseconds] : ['', nanoseconds];
  const digits = size.toString().padStart(10, '0');
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
