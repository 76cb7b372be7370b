import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { readAhead, type ReadAhead } from '../../src/disk/index.js';
import { run, runText } from '../../src/process/index.js';
import { cachedBytes, onFilesystem } from '../support/page-cache.js';

const filesystemType = 'ext4';
const clock = systemClock;
const pageBytes = 4096;

/** 4,000 files in 40 folders, of which some lie deeper than others, and a socket; nothing of it in memory. */
async function fill(folder: string): Promise<void> {
  for (let at = 0; at < 40; at += 1) {
    const place = join(folder, `d${at}`, ...(at % 3 === 0 ? ['deeper'] : []));
    await mkdir(place, { recursive: true });
    for (let file = 0; file < 100; file += 1) await writeFile(join(place, `f${file}`), `${at} ${file}`);
  }
  // Node would remove it when it is closed.
  await run([
    'python3',
    '-c',
    'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])',
    join(folder, 'a-socket'),
  ]);
  await afresh(folder);
}

/** Mounts what is mounted there once more, so that the kernel has nothing of it. */
async function afresh(folder: string): Promise<void> {
  const device = (await runText(['findmnt', '--noheadings', '--output', 'SOURCE', folder])).trim();
  await run(['umount', folder]);
  await run(['mount', device, folder]);
}

/** The entries as tar writes them. Their content is not read: GNU tar looks whether its archive is /dev/null. */
async function orderOf(folder: string): Promise<readonly string[]> {
  const listed = await runText(['tar', '-C', folder, '--sort=name', '-cvf', '/dev/null', '.']);
  return listed.trim().split('\n');
}

async function isRead(path: string): Promise<boolean> {
  const found = await poll(async () => ((await cachedBytes(path)) > 0 ? true : undefined), {
    clock,
    intervalMs: 20,
    timeoutMs: 20_000,
  });
  return found === true;
}

function pass(ahead: ReadAhead, entries: number): void {
  for (let entry = 0; entry < entries; entry += 1) ahead.passed();
}

/** The first file from a place in the archive on. */
const fileAt = (order: readonly string[], entry: number): string =>
  order.slice(entry).find((path) => /\/f\d+$/.test(path)) ?? '';

describe('reading ahead of tar', () => {
  it('reads in the order of tar, so far ahead and not farther, and nothing that has passed', () =>
    onFilesystem(filesystemType, async (folder) => {
      await fill(folder);
      const order = await orderOf(folder);
      const file = (entry: number): string => join(folder, fileAt(order, entry));
      {
        await using ahead = readAhead(folder, { filesystemType, clock });
        expect(await isRead(file(3))).toBe(true);
        expect(await isRead(file(1_900))).toBe(true);
        pass(ahead, 500);
        expect(await isRead(file(2_400))).toBe(true);
        expect(await cachedBytes(file(2_700))).toBe(0);
        pass(ahead, 2_500);
        expect(await isRead(file(3_900))).toBe(true);
      }
      // Jumped over.
      expect(await cachedBytes(file(2_800))).toBe(0);
    }));

  it('ends at the end of the tree, however many entries are said to have passed', () =>
    onFilesystem(filesystemType, async (folder) => {
      await fill(folder);
      await using ahead = readAhead(folder, { filesystemType, clock });
      pass(ahead, 100_000);
    }));

  it('reads the beginning of a large file, and names that are no text', () =>
    onFilesystem(filesystemType, async (folder) => {
      const strange = Buffer.concat([Buffer.from(`${folder}/-n `), Buffer.from([0xff, 0x0a, 0x22])]);
      await writeFile(strange, 'strange');
      await writeFile(join(folder, 'large'), Buffer.alloc(32 * 1024 ** 2, 1));
      await afresh(folder);
      await using _ahead = readAhead(folder, { filesystemType, clock });
      expect(await isRead(join(folder, 'large'))).toBe(true);
      const cached = (
        await runText(['find', folder, '-name', '-n*', '-exec', 'fincore', '-bnro', 'RES', '{}', ';'])
      ).trim();
      expect(Number(cached)).toBe(pageBytes);
      expect(await cachedBytes(join(folder, 'large'))).toBeLessThan(8 * 1024 ** 2);
    }));

  it('ends at a folder with more names than should be held in memory', () =>
    onFilesystem(filesystemType, async (folder) => {
      for (const name of ['a', 'b', 'c']) await mkdir(join(folder, name));
      for (const name of ['a', 'c']) await writeFile(join(folder, name, 'file'), 'content');
      // 264 bytes each in ext4.
      await run([
        'bash',
        '-c',
        'cd "$0" && for ((n = 0; n < 17000; n++)); do printf -v x "%0255d" $n; : >"$x"; done',
        join(folder, 'b'),
      ]);
      await afresh(folder);
      await using ahead = readAhead(folder, { filesystemType, clock });
      expect(await isRead(join(folder, 'a', 'file'))).toBe(true);
      // So that the last one would be its turn.
      pass(ahead, 17_000);
      await clock.sleep(1_000);
      expect(await cachedBytes(join(folder, 'c', 'file'))).toBe(0);
    }));

  it('without xargs nothing is read ahead, and nothing fails', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      await using ahead = readAhead('/usr/share', { filesystemType, clock });
      pass(ahead, 10);
    } finally {
      process.env.PATH = path;
    }
  });

  it('a folder that is not there is nobody’s business but tar’s', async () => {
    await using ahead = readAhead('/nowhere/at/all', { filesystemType, clock });
    ahead.passed();
  });
});
