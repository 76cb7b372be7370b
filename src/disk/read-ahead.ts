import { once } from 'node:events';
import { lstat, readdir } from 'node:fs/promises';
import type { Clock } from '../core/index.js';
import { start } from '../process/index.js';

/** Files that are read before tar comes to them, so that it finds them in memory. Disposing ends the reading. */
export interface ReadAhead extends AsyncDisposable {
  /** Told of each entry of the archive: how far ahead is reckoned from there. */
  readonly passed: () => void;
}

/** How a tree is read. */
export interface ReadAheadOptions {
  /** The filesystem type: the subvolumes of one btrfs are gone into, other filesystems mounted in the tree are not. */
  readonly filesystemType: string;
  readonly clock: Clock;
}

/** So many programs read at once, so many files each. */
const programs = 8;
const filesEach = 64;
/** How many entries ahead of tar; with {@link mostFileBytes}, at most 128 MiB of the page cache. */
const entriesAhead = 2_048;
/** Of a larger file the kernel reads ahead by itself, when tar has begun with it. */
const mostFileBytes = 64 * 1024;
/** All names of a directory are held, for sorting. Where they take more on disk (200,000 short ones), the reading ahead ends. */
const mostDirectoryBytes = 4 * 1024 * 1024;
/** The programs end with the files that they were given; on an ailing device, perhaps never. */
const endTimeoutMs = 10_000;

/**
 * Reads the beginnings of the files of a mounted tree in the order of `tar --sort=name`, some way ahead of who reads them all,
 * and throws the bytes away: what counts is that the kernel has them. tar waits for one file after the other, and on a volume
 * whose blocks are still being loaded from its snapshot for tens of milliseconds each time. It is never more than a help: what
 * cannot be read here is tar's to tell, and what fails here ends nothing else.
 */
export function readAhead(directory: string, { filesystemType, clock }: ReadAheadOptions): ReadAhead {
  // By programs: Node reads several files at once only with threads, at 10 MB each. Through xargs, which takes any bytes as names.
  const reading = start(
    [
      ...['xargs', '--null', '--no-run-if-empty', `--max-procs=${programs}`, `--max-args=${filesEach}`],
      ...['head', '--quiet', `--bytes=${mostFileBytes}`, '--'],
    ],
    { output: 'nowhere' },
  );
  const over = new AbortController();
  let passed = 0;
  let wake: (() => void) | undefined;

  const feed = async (): Promise<void> => {
    for await (const { path, entry } of filesBelow(directory, filesystemType === 'btrfs')) {
      while (entry - passed >= entriesAhead && !over.signal.aborted) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
      over.signal.throwIfAborted();
      if (entry < passed) continue;
      const named = Buffer.from(`${path}\0`, 'latin1');
      if (!reading.stdin.write(named)) await once(reading.stdin, 'drain', { signal: over.signal });
    }
  };
  const ended = reading.ended.catch(() => undefined).then(() => over.abort());
  const fed = feed()
    .catch(() => undefined)
    .then(() => reading.stdin.end());
  return {
    passed: () => {
      passed += 1;
      wake?.();
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      wake?.();
      await fed;
      // It starts no more of them. That those which run have ended is seen by their standard error, which it has given them.
      reading.kill('SIGTERM');
      const bound = new AbortController();
      const late = clock.sleep(endTimeoutMs, bound.signal).catch(() => undefined);
      await Promise.race([ended, late]);
      bound.abort();
    },
  };
}

/** A regular file and its place in the archive, from 0. Paths are latin1 text, one character a byte. */
interface FilePlace {
  readonly path: string;
  readonly entry: number;
}

/** The regular files below a directory in the order of tar. Throws where a directory cannot be read, or has too many names. */
async function* filesBelow(directory: string, entersOthers: boolean): AsyncGenerator<FilePlace, void> {
  const { dev } = await lstat(directory);
  const entered = async (path: string) => {
    const facts = await lstat(Buffer.from(path, 'latin1'));
    if (facts.size > mostDirectoryBytes) throw new Error(`${path} has too many names`);
    return entersOthers || facts.dev === dev ? [{ path, entries: await entriesOf(path), next: 0 }] : [];
  };
  const open = await entered(Buffer.from(directory).toString('latin1'));
  /** The tree itself is the first. */
  let entry = 1;
  for (let within = open.at(-1); within !== undefined; within = open.at(-1)) {
    const found = within.entries[within.next];
    within.next += 1;
    if (found === undefined) {
      open.pop();
      continue;
    }
    const path = `${within.path}/${found.name}`;
    if (found.isFile()) yield { path, entry };
    entry += 1;
    if (found.isDirectory()) open.push(...(await entered(path)));
  }
}

/** What a directory holds, but for sockets, which are in no tar; in the order of the names' bytes. */
async function entriesOf(path: string) {
  const entries = await readdir(Buffer.from(path, 'latin1'), { encoding: 'latin1', withFileTypes: true });
  return entries.filter((entry) => !entry.isSocket()).sort((a, b) => (a.name < b.name ? -1 : 1));
}
