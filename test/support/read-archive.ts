import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { run, runText } from '../../src/process/index.js';

// Archives are read here as anyone would without this project: with lz4, zstd, tar, zcat and openssl, which sums up
// a GiB in a tenth of the time of sha256sum.

/** Decompresses a downloaded archive to a file beside it and returns its path. */
export async function decompressed(path: string, codec: 'lz4' | 'zstd'): Promise<string> {
  const output = `${path}.raw`;
  await run(codec === 'lz4' ? ['lz4', '-d', '-q', path, output] : ['zstd', '-d', '-q', '-o', output, path]);
  return output;
}

/** Extracts a tar into a new directory. */
export async function extracted(tar: string): Promise<string> {
  const target = `${tar}.d`;
  await mkdir(target);
  await run([
    'tar',
    '--extract',
    `--file=${tar}`,
    `--directory=${target}`,
    '--numeric-owner',
    '--same-owner',
    '--same-permissions',
    '--acls',
    '--xattrs',
    '--xattrs-include=*',
    '--sparse',
  ]);
  return target;
}

/** One line of an index as jq would show it. */
export type IndexLine = Readonly<Record<string, unknown>>;

/** The lines of an index. */
export async function indexLines(path: string): Promise<readonly IndexLine[]> {
  const text = (await run(['zcat', '--force', path], {})).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as IndexLine);
}

/** SHA-256 of a file or device, hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  return (await runText(['openssl', 'dgst', '-sha256', '-r', path])).slice(0, 64);
}

/** SHA-256 of a range of a file. */
export async function sha256OfRange(path: string, start: number, length: number): Promise<string> {
  const hash = createHash('sha256');
  if (length > 0) await pipeline(createReadStream(path, { start, end: start + length - 1 }), hash);
  return hash.digest('hex');
}

/** Where a file has data and where holes, and a sum of the data; for files too large to be read often. */
export async function sparseFacts(path: string): Promise<{ readonly map: string; readonly sha256: string }> {
  const map = await runText(['xfs_io', '-r', '-c', 'seek -a -r 0', path]);
  const places = [...map.matchAll(/^(DATA|HOLE)\s+(\d+)$/gm)].map(([, kind, at]) => ({ kind, at: Number(at) }));
  const hash = createHash('sha256');
  for (const [index, { kind, at }] of places.entries()) {
    const next = places[index + 1];
    if (kind === 'DATA' && next !== undefined) hash.update(await bytesAt(path, at, next.at - at));
  }
  return { map, sha256: hash.digest('hex') };
}

/** Some bytes of a file. */
export async function bytesAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The names of the members that GNU tar sees in these bytes, each exactly as stored, in latin1. */
export async function membersOf(tarBytes: Buffer): Promise<string> {
  return (await run(['tar', '--list', '--file=-', '--quoting-style=literal'], { input: tarBytes })).toString('latin1');
}

/** Everything in a small file. */
export const textOf = (path: string): Promise<string> => readFile(path, 'utf8');
