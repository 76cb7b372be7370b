import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pickMembers, scanTar, type TarEntry } from '../../src/archive/index.js';
import { run } from '../../src/process/index.js';
import { makeAwkwardTree } from './tar-tree.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-pick-'));
  await run(['mkdir', join(folder, 'tree')]);
  await makeAwkwardTree(join(folder, 'tree'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function* pieces(tar: Buffer, size: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < tar.length; at += size) {
    await Promise.resolve();
    const piece = Buffer.from(tar.subarray(at, at + size));
    yield piece;
    // What a stage yields is good until the next is asked for.
    piece.fill(0xee);
  }
}

async function entriesOf(tar: Buffer): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const _ of scanTar({ onEntry: (entry) => void entries.push(entry) })(pieces(tar, 1 << 20)));
  return entries;
}

/** The bytes of an iterable, copied before the next are asked for. */
async function collected(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const bytes of source) all.push(Buffer.from(bytes));
  return Buffer.concat(all);
}

describe('members of a tar', () => {
  it.each(['pax', 'gnu', 'oldgnu', 'ustar', 'v7'])('of the format %s are passed byte by byte', async (format) => {
    const path = join(folder, `${format}.tar`);
    const isRich = format === 'pax';
    const options = isRich ? ['--acls', '--xattrs', '--xattrs-include=*', '--sparse'] : [];
    // The older formats have no room for all names; tar says so, and leaves them out.
    await run(['tar', `--format=${format}`, ...options, '--create', '--file', path, '.'], {
      cwd: join(folder, 'tree'),
    }).catch((error: unknown) => {
      if (isRich || format === 'gnu') throw error;
    });
    const tar = await readFile(path);
    const entries = await entriesOf(tar);
    expect(entries.length).toBeGreaterThan(10);
    for (const [turn, size] of [1 << 20, 70_000, 1_000, 513, 512, 100].entries()) {
      const isPicked = (at: number): boolean => turn === 0 || (at + turn) % (turn + 1) === 0;
      let at = -1;
      const told: TarEntry[] = [];
      const pick = pickMembers({
        pick: () => {
          at += 1;
          return isPicked(at);
        },
        onEntry: (entry) => void told.push(entry),
      });
      const picked = await collected(pick(pieces(tar, size)));
      const wanted = entries.filter((_, index) => isPicked(index));
      const bytes = wanted.map(({ offset, storedBytes }) => tar.subarray(offset, offset + storedBytes));
      expect(picked.equals(Buffer.concat([...bytes, Buffer.alloc(1024)])), `${format} in pieces of ${size}`).toBe(true);
      expect(told).toEqual(wanted);
    }
  });

  it('keep the global headers before them', async () => {
    const path = join(folder, 'global.tar');
    const argv = ['tar', '--format=pax', '--pax-option=globexthdr.name=g,mtime=1', '-cf', path, 'one', 'large', '511'];
    await run(argv, { cwd: join(folder, 'tree') });
    const tar = await readFile(path);
    const picked = await collected(
      pickMembers({ pick: ({ path: name }) => name.equals(Buffer.from('511')) })(pieces(tar, 700)),
    );
    const [first, ...more] = await entriesOf(tar);
    expect(first?.offset).toBeGreaterThan(0);
    expect(picked.subarray(0, first?.offset).equals(tar.subarray(0, first?.offset))).toBe(true);
    const { offset: _, ...facts } = more.at(-1) ?? {};
    expect(await entriesOf(picked)).toMatchObject([facts]);
  });

  it('end all when they are refused, before a byte of them has passed', async () => {
    const tar = await readFile(join(folder, 'pax.tar'));
    let passed = 0;
    const reading = async (): Promise<void> => {
      const pick = pickMembers({
        pick: ({ type }) => {
          if (type === 'symlink') throw new Error('No links.');
          return true;
        },
      });
      for await (const bytes of pick(pieces(tar, 1 << 20))) passed += bytes.length;
    };
    await expect(reading()).rejects.toThrow('No links.');
    const link = (await entriesOf(tar)).find(({ type }) => type === 'symlink');
    expect(passed).toBeLessThanOrEqual(link?.offset ?? 0);
  });
});
