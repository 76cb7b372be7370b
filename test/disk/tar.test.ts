import { appendFile, mkdtemp, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarBytes } from '../../src/disk/index.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-tar-'));
  // More than a pipe holds, so that tar waits for its reader in the middle of it.
  await writeFile(join(folder, 'a'), Buffer.alloc(8 * 1024 ** 2, 1));
  await writeFile(join(folder, 'b'), 'small');
});
afterEach(() => rm(folder, { recursive: true }));

describe('tar, when a file', () => {
  it.each([
    ['shrinks while it is read', /shrank by \d+ bytes; padding with zeros/, () => truncate(join(folder, 'a'), 100_000)],
    ['grows while it is read', /file changed as we read it/, () => appendFile(join(folder, 'a'), 'more')],
    ['vanishes before it is read', /b: File removed before we read it/, () => unlink(join(folder, 'b'))],
  ])('%s -> source-unreadable, whatever it has put in its place', async (_, sentence, change) => {
    const tar = tarBytes(folder, { filesystemType: 'ext4', onWarning: () => undefined });
    let changed = false;
    const reading = async (): Promise<void> => {
      for await (const chunk of tar) {
        if (chunk.length === 0 || changed) continue;
        changed = true;
        await change();
      }
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'source-unreadable',
      message: expect.stringMatching(sentence),
      hint: expect.stringContaining('findmnt'),
    });
    expect(changed).toBe(true);
  });
});
