import { lstat, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from '../../src/process/index.js';

/** Real files that were chosen. */
export interface ChosenFiles {
  /** Relative to the root directory. */
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** What every Linux machine has: programs, libraries, documents, and (with this checkout) JavaScript. */
const roots = ['/usr', join(process.cwd(), 'node_modules')];

/** Chooses files in the order of their names until there are so many bytes; the same ones on the same machine. */
export async function chooseFiles(wantedBytes: number): Promise<ChosenFiles> {
  const paths: string[] = [];
  let bytes = 0;
  for (const root of roots) {
    for await (const { path, size } of filesBelow(root)) {
      if (bytes >= wantedBytes) return { paths, bytes };
      paths.push(relative('/', path));
      bytes += size;
    }
  }
  return { paths, bytes };
}

/** Copies them, with their directories. */
export async function copyFiles({ paths }: ChosenFiles, { to, list }: { to: string; list: string }): Promise<void> {
  await writeFile(list, paths.join('\0'));
  await run(['bash', '-c', 'tar -C / --null --files-from="$0" -cf - | tar -C "$1" -xf -', list, to]);
}

async function* filesBelow(directory: string): AsyncGenerator<{ path: string; size: number }> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.sort()) {
    const path = join(directory, name);
    const facts = await lstat(path).catch(() => undefined);
    if (facts?.isDirectory() === true) yield* filesBelow(path);
    else if (facts?.isFile() === true || facts?.isSymbolicLink() === true) yield { path, size: facts.size };
  }
}
