import { encodeTarEntry, parseIndexLine, type TarEntry } from '../archive/index.js';
import { AppError } from '../core/index.js';
import { createLinkNames } from './link-names.js';
import { comparePaths } from './path-order.js';
import { spill, type Spill } from './spill.js';

/** Where and how much may be used for sorting. */
export interface SortOptions {
  /** For what does not fit into memory. */
  readonly directory: string;
  /** Entries are held up to about so many bytes. */
  readonly memoryBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const defaultMemoryBytes = 64 * 1024 * 1024;
/** What an entry takes beside its line. */
const entryBytes = 600;

/**
 * Brings the entries of a tar in any order into that of `comparePaths`, as if it had been made in it: of a file with
 * several names, the first has the content and the others are links to it. What does not fit into memory is spilled to
 * disk. Throws `disk-full` where there is no room.
 */
export async function* sortEntries(
  entries: AsyncIterable<TarEntry>,
  options: SortOptions,
): AsyncGenerator<TarEntry, void> {
  const memoryBytes = options.memoryBytes ?? defaultMemoryBytes;
  const spilled: Spill[] = [];
  const links = createLinkNames();
  let held: TarEntry[] = [];
  let heldBytes = 0;
  const spillHeld = async (): Promise<void> => {
    held.sort(byPath);
    spilled.push(await spillLines(options.directory, held));
    held = [];
    heldBytes = 0;
  };
  try {
    for await (const entry of entries) {
      options.signal?.throwIfAborted();
      links.note(entry);
      held.push(entry);
      heldBytes += entryBytes + entry.path.length;
      if (heldBytes >= memoryBytes) await spillHeld();
    }
    held.sort(byPath);
    const runs = (): AsyncGenerator<TarEntry, void>[] => [...spilled.map(entriesOf), inMemory(held)];
    if (links.hasMoved()) for (const run of runs()) for await (const entry of run) links.keep(entry);
    for await (const entry of merged(runs())) {
      options.signal?.throwIfAborted();
      yield links.renamed(entry);
    }
  } finally {
    await Promise.all(spilled.map((one) => one[Symbol.asyncDispose]()));
  }
}

function byPath(a: TarEntry, b: TarEntry): number {
  return comparePaths(a.path, b.path);
}

async function spillLines(directory: string, entries: readonly TarEntry[]): Promise<Spill> {
  function* lines(): Generator<string> {
    for (const entry of entries) yield encodeTarEntry(entry);
  }
  try {
    return await spill(directory, lines());
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    throw new AppError('disk-full', `There is no room in ${directory} for sorting the entries of the tar.`, {
      cause: error,
      hint: 'Make room there, or name another directory with the variable TMPDIR.',
    });
  }
}

async function* entriesOf(run: Spill): AsyncGenerator<TarEntry, void> {
  let lineNumber = 0;
  for await (const line of run.lines()) {
    lineNumber += 1;
    const read = parseIndexLine(line, { header: { kind: 'tar' }, lineNumber });
    if (read.kind === 'entry') yield read.entry;
  }
}

async function* inMemory(entries: readonly TarEntry[]): AsyncGenerator<TarEntry, void> {
  await Promise.resolve();
  yield* entries;
}

/** Of equal paths that of the earlier run comes first. */
async function* merged(runs: readonly AsyncGenerator<TarEntry, void>[]): AsyncGenerator<TarEntry, void> {
  const open = runs.map((run) => ({ iterator: run, entry: undefined as TarEntry | undefined }));
  try {
    for (const run of open) run.entry = await nextOf(run.iterator);
    for (;;) {
      let least: (typeof open)[number] | undefined;
      for (const run of open) {
        if (run.entry === undefined) continue;
        if (least?.entry === undefined || byPath(run.entry, least.entry) < 0) least = run;
      }
      if (least?.entry === undefined) return;
      yield least.entry;
      least.entry = await nextOf(least.iterator);
    }
  } finally {
    await Promise.all(open.map(({ iterator }) => iterator.return()));
  }
}

async function nextOf(iterator: AsyncGenerator<TarEntry, void>): Promise<TarEntry | undefined> {
  const next = await iterator.next();
  return next.done === true ? undefined : next.value;
}
