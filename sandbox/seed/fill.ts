import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAwkwardFiles, makeSmallFiles, makeSparseFile } from './awkward-files.js';
import { makeAwkwardNames } from './awkward-names.js';
import { copyRealContent } from './real-content.js';

/** What to put on a filesystem. */
export interface ContentSpec {
  /** About how much of this machine's own /usr/share, in MiB. */
  readonly realMiB: number;
  /** Where in the alphabet of /usr/share to begin, 0..1. */
  readonly realFrom: number;
  /** Names, types, owners, attributes and times that break careless programs, in the folder `awkward`. */
  readonly awkward: boolean;
  /** Apparent size in GiB of the file `sparse`; 0 for none. */
  readonly sparseGiB: number;
  /** How many files to put into the folder `small`. */
  readonly smallFiles: number;
}

/** What was put on a filesystem. */
export interface Content {
  /** Bytes on disk of the real files. */
  readonly realBytes: number;
  readonly awkwardEntries: number;
  readonly sparseGiB: number;
  readonly smallFiles: number;
}

/** Fills a mounted filesystem; needs root for device nodes and owners. Throws `program-failed`, or what Node throws. */
export async function fillFilesystem(mountPoint: string, spec: ContentSpec): Promise<Content> {
  const { awkward, realFrom, realMiB, smallFiles, sparseGiB } = spec;
  const real = join(mountPoint, 'usr-share');
  await mkdir(real);
  const realBytes = await copyRealContent(real, { mebibytes: realMiB, from: realFrom });
  if (smallFiles > 0) await makeSmallFiles(join(mountPoint, 'small'), smallFiles);
  if (sparseGiB > 0) await makeSparseFile(join(mountPoint, 'sparse'), sparseGiB);
  const awkwardEntries = awkward ? await makeAwkward(mountPoint) : 0;
  return { realBytes, awkwardEntries, sparseGiB, smallFiles };
}

async function makeAwkward(mountPoint: string): Promise<number> {
  const names = join(mountPoint, 'awkward', 'names');
  const files = join(mountPoint, 'awkward', 'files');
  await mkdir(names, { recursive: true });
  await mkdir(files);
  return (await makeAwkwardNames(Buffer.from(names))) + (await makeAwkwardFiles(files));
}
