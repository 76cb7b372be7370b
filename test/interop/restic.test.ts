import { chmod, lutimes, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTree } from '../support/tree.js';
import { makeAwkwardTree, writeRandomFile } from './support/awkward-tree.js';
import { interopSandbox, type InteropSandbox } from './support/interop-sandbox.js';

let sandbox: InteropSandbox;
beforeAll(async () => {
  sandbox = await interopSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

/** `restic <words> --json`: one document, or one on each line; commands without JSON say something else between. */
async function restic(...words: readonly string[]): Promise<readonly unknown[]> {
  const output = await sandbox.text(['/usr/bin/restic', '--json', ...words], {
    environment: {
      // restic signs its uploads chunk by chunk (STREAMING-AWS4-HMAC-SHA256-PAYLOAD), which no other client here does.
      RESTIC_REPOSITORY: `s3:${sandbox.url}/restic-repository`,
      RESTIC_PASSWORD: 'of no account',
      RESTIC_CACHE_DIR: join(sandbox.folder, 'restic-cache'),
    },
  });
  return output
    .split('\n')
    .filter((line) => /^(?:\{|\[\{)/.test(line))
    .map((line) => JSON.parse(line) as unknown);
}

async function makeTree(folder: string): Promise<void> {
  await makeAwkwardTree(folder);
  await writeRandomFile(join(folder, 'big'), 30_000_000);
  await mkdir(join(folder, 'closed'), { mode: 0o700 });
  await writeFile(join(folder, 'closed', 'setuid'), 'mode');
  await chmod(join(folder, 'closed', 'setuid'), 0o4711);
  await symlink('../big', join(folder, 'closed', 'link'));
  await symlink('nothing/there', join(folder, 'dangling'));
  await lutimes(join(folder, 'dangling'), 1e9 + 0.5, 1e9 + 0.5);
  await utimes(join(folder, 'closed'), 1e9, 1e9 + 0.25);
}

async function restored(snapshot: string, folder: string) {
  const target = sandbox.path('restored');
  await restic('restore', snapshot, '--target', target);
  return readTree(join(target, folder));
}

describe('restic', () => {
  it('makes a repository, backs up twice, checks all data, restores contents, modes, times and links, and prunes', async () => {
    const folder = sandbox.path('tree');
    await makeTree(folder);
    const before = await readTree(folder);
    await restic('init');
    await restic('backup', folder);
    await writeFile(join(folder, 'plain.txt'), 'changed');
    await writeRandomFile(join(folder, 'second'), 1_000_000);
    const after = await readTree(folder);
    const summary = (await restic('backup', folder)).at(-1);
    expect(summary).toMatchObject({ message_type: 'summary', files_new: 1, files_changed: 1 });

    const [snapshots] = (await restic('snapshots')) as [{ readonly short_id: string }[]];
    const [first, second] = snapshots.map(({ short_id }) => short_id);
    await restic('check', '--read-data');
    expect(await restored(first ?? '', folder)).toEqual(before);
    expect(await restored(second ?? '', folder)).toEqual(after);

    await restic('forget', '--keep-last', '1', '--prune');
    await restic('check', '--read-data');
    expect(await restored('latest', folder)).toEqual(after);
    const listed = await sandbox.s3.send(
      new ListObjectsV2Command({ Bucket: 'restic-repository', Prefix: 'snapshots/' }),
    );
    expect(listed.KeyCount).toBe(1);
    // Every lock was taken away again.
    expect(
      (await sandbox.s3.send(new ListObjectsV2Command({ Bucket: 'restic-repository', Prefix: 'locks/' }))).KeyCount,
    ).toBe(0);
  });
});
