import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What a command loads before it does anything is what its user waits for.

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-e2e-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The packages of others that a command has loaded. */
async function packagesOf(argv: readonly string[]): Promise<readonly string[]> {
  const told = join(folder, 'modules');
  await promisify(execFile)(
    process.execPath,
    ['--import', './test/support/tell-modules.mjs', 'dist/bin/snap-to-s3.cjs', ...argv],
    { env: { PATH: process.env.PATH, HOME: folder, SNAP_TO_S3_TELL_MODULES: told } },
  );
  const urls = (await readFile(told, 'utf8')).split('\n');
  await rm(told);
  expect(urls.some((url) => url.endsWith('/dist/src/cli/main.js'))).toBe(true);
  const names = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  return [...new Set(names)].sort();
}

describe('a command loads nothing but what it needs', () => {
  it.each([
    [['--version']],
    [['--help']],
    [['analyze', '--help']],
    [['completion', 'bash']],
    [['estimate']],
    [['estimate', '--memory-table', '--json']],
  ])('%j', async (argv) => {
    expect(await packagesOf(argv)).toEqual(['commander']);
  });
});
