import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDirectoryTarget, type DirectoryRequest } from '../../src/restore/index.js';

// What runs that were broken off have left of a directory.

const workName = '.snap-to-s3-restoring';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-target-'));
});
afterAll(() => rm(folder, { recursive: true }));

let made = 0;
function request(more: Partial<DirectoryRequest> = {}): DirectoryRequest {
  made += 1;
  return { directory: join(folder, `to-${made}`), identity: 'these bytes', hasSubfolders: false, ...more };
}

/** A partition as tar would leave it. */
async function fill(path: string): Promise<void> {
  for (const name of ['a', 'm', 'z']) await writeFile(join(path, name), `The file ${name}.\n`);
  await chmod(path, 0o751);
  await utimes(path, 1_600_000_000, 1_600_000_000);
}

it('broken off while names are put in their place -> the next run puts the rest, and replaces nothing', async () => {
  const wanted = request();
  {
    await using target = await openDirectoryTarget(wanted);
    await fill(await target.begin('files'));
    // Somebody is faster, and so it breaks off in the middle.
    await writeFile(join(wanted.directory, 'm'), 'mine\n');
    await expect(target.finish('files')).rejects.toThrow('is not empty: "m"');
  }
  expect(await readFile(join(wanted.directory, 'm'), 'utf8')).toBe('mine\n');
  await rm(join(wanted.directory, 'm'));
  const left = await readdir(wanted.directory);
  expect(left).toContain(workName);
  expect(left).not.toContain('m');

  await using target = await openDirectoryTarget(wanted);
  expect(await target.left('files')).toBe('half-placed');
  await target.finish('files');
  await target.end();
  expect((await readdir(wanted.directory)).sort()).toEqual(['a', 'm', 'z']);
  expect(await readFile(join(wanted.directory, 'm'), 'utf8')).toBe('The file m.\n');
  const { mode, mtimeMs } = await stat(wanted.directory);
  expect([mode & 0o777, mtimeMs]).toEqual([0o751, 1_600_000_000_000]);
});

it('broken off between a subfolder and its note -> the subfolder counts', async () => {
  const wanted = request({ hasSubfolders: true });
  {
    await using target = await openDirectoryTarget(wanted);
    await fill(await target.begin('1'));
    await target.finish('1');
    await mkdir(join(wanted.directory, workName, '2'));
  }
  const state = join(wanted.directory, workName, 'state.json');
  const noted = { identity: wanted.identity, done: [], placing: { part: '1', rootTime: '0.0' } };
  await writeFile(state, JSON.stringify(noted));
  await using target = await openDirectoryTarget(wanted);
  expect(await target.left('1')).toBe('done');
  expect(await target.left('2')).toBe('nothing');
});

it('broken off while a part is written -> the next run is told, and gets an empty folder', async () => {
  const wanted = request();
  await mkdir(join(wanted.directory, workName, 'files/half'), { recursive: true });
  await writeFile(join(wanted.directory, workName, 'state.json'), JSON.stringify({ ...wanted, done: [] }));
  await using target = await openDirectoryTarget(wanted);
  expect(await target.left('files')).toBe('half-written');
  expect(await readdir(await target.begin('files'))).toEqual([]);
});

it('a root that has a folder of the name of the work itself comes back', async () => {
  const wanted = request();
  await using target = await openDirectoryTarget(wanted);
  const root = await target.begin('files');
  await mkdir(join(root, workName));
  await writeFile(join(root, workName, 'old'), '');
  await fill(root);
  await target.finish('files');
  await target.end();
  expect((await readdir(wanted.directory)).sort()).toEqual([workName, 'a', 'm', 'z']);
  expect(await readdir(join(wanted.directory, workName))).toEqual(['old']);
  expect((await stat(wanted.directory)).mtimeMs).toBe(1_600_000_000_000);
});
