import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTemporaryDirectory } from '../../src/cli/temporary-directory.js';
import { ownIdentity, run, type ProcessIdentity } from '../../src/process/index.js';

let folder = '';
let ended = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-temporary-'));
  // The number of a process that is no more.
  ended = Number((await run(['sh', '-c', 'echo $$'])).toString());
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  vi.stubEnv('TMPDIR', await mkdtemp(join(folder, 'place-')));
});
afterEach(() => void vi.unstubAllEnvs());

const names = (): Promise<string[]> => readdir(tmpdir());

/** What the run of such a process would have left. */
async function left(of: Partial<ProcessIdentity>): Promise<string> {
  const { bootId, pidNamespace, pid, startTicks } = { ...ownIdentity(), ...of };
  const name = `snap-to-s3-report-${bootId}-${pidNamespace.replace(/\D/g, '')}-${pid}-${startTicks}-AbCdEf`;
  const path = join(tmpdir(), name);
  await mkdir(join(path, 'spilled'), { recursive: true });
  await writeFile(join(path, 'spilled', 'duckdb_temp_storage'), 'rows');
  return path;
}

describe('a temporary directory', () => {
  it('is there until it is disposed, with all that is in it', async () => {
    {
      await using temporary = await openTemporaryDirectory();
      await writeFile(join(temporary.path, 'file'), 'content');
      expect(await names()).toEqual([basename(temporary.path)]);
    }
    expect(await names()).toEqual([]);
  });

  it('takes the place of those that killed runs have left, and of no others', async () => {
    await using first = await openTemporaryDirectory();
    const killed = await left({ pid: ended });
    // Another process has its number now.
    await left({ startTicks: '1' });
    const running = await left({});
    const elsewhere = await left({ pid: ended, bootId: '01234567-89ab-cdef-0123-456789abcdef' });
    const elsewhereLongAgo = await left({ pid: ended, pidNamespace: 'pid:[1]' });
    const threeDaysAgo = Date.now() / 1000 - 3 * 86_400;
    for (const path of [elsewhereLongAgo, running]) await utimes(path, threeDaysAgo, threeDaysAgo);
    const lookAlikes = ['snap-to-s3-report-', 'snap-to-s3-report-AbCdEf', `other-${basename(killed)}`];
    for (const name of lookAlikes) await mkdir(join(tmpdir(), name));
    const file = `${killed}-file`;
    await writeFile(file, 'no directory');
    const link = `${killed}-link`;
    await symlink(folder, link);
    await using second = await openTemporaryDirectory();
    const paths = [first.path, running, elsewhere, file, link, second.path];
    expect((await names()).sort()).toEqual([...paths.map((path) => basename(path)), ...lookAlikes].sort());
    expect(await readdir(running)).toEqual(['spilled']);
  });

  it('that cannot be made is a sentence that names TMPDIR', async () => {
    vi.stubEnv('TMPDIR', join(folder, 'missing'));
    await expect(openTemporaryDirectory()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/^No temporary directory can be made in .*\/missing: ENOENT/),
      hint: expect.stringContaining('TMPDIR'),
    });
  });

  it('of somebody else is left alone', async () => {
    await using first = await openTemporaryDirectory();
    const others = await left({ pid: ended });
    await run(['chown', '-R', '65534', others]);
    await using second = await openTemporaryDirectory();
    expect((await names()).sort()).toEqual([first.path, others, second.path].map((path) => basename(path)).sort());
  });
});
