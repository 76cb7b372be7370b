import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDevice } from '../../src/disk/index.js';
import { cachedBytes, forget, onFilesystem } from '../support/page-cache.js';

const bytes = randomBytes(5 * 1024 * 1024 + 512);
const sum = createHash('sha256').update(bytes).digest('hex');
let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-device-'));
  path = join(folder, 'device');
  await writeFile(path, bytes);
});
afterAll(async () => rm(folder, { recursive: true }));

async function digest(source: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return hash.digest('hex');
}

describe('reading a device', () => {
  it('gives every byte in order', async () => {
    expect(await digest(readDevice(path, { sizeBytes: bytes.length }))).toBe(sum);
  });

  it('stops at the size the kernel gave', async () => {
    let total = 0;
    for await (const chunk of readDevice(path, { sizeBytes: 4096 })) total += chunk.length;
    expect(total).toBe(4096);
  });

  it('that ends early -> source-unreadable with the position', async () => {
    await expect(digest(readDevice(path, { sizeBytes: bytes.length + 1 }))).rejects.toMatchObject({
      code: 'source-unreadable',
      message: `${path} ended at byte ${bytes.length}, before its size.`,
    });
  });

  it('can be left at any time', async () => {
    for await (const chunk of readDevice(path, { sizeBytes: bytes.length })) {
      expect(chunk.length).toBe(2 * 1024 * 1024);
      break;
    }
    const controller = new AbortController();
    const reading = async () => {
      for await (const _ of readDevice(path, { sizeBytes: bytes.length, signal: controller.signal }))
        controller.abort();
    };
    await expect(reading()).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('the page cache', () => {
  it.each(['ext4', 'xfs'] as const)('is passed by, but for an odd end, on %s', (kind) =>
    onFilesystem(kind, async (at) => {
      const file = join(at, 'file');
      await writeFile(file, bytes);
      await forget(file);
      expect(await digest(readDevice(file, { sizeBytes: bytes.length }))).toBe(sum);
      expect(await cachedBytes(file)).toBeLessThan(64 * 1024);
    }),
  );

  it.each(['btrfs', 'tmpfs'] as const)('or is used, on %s: the bytes are the same', (kind) =>
    onFilesystem(kind, async (at) => {
      await writeFile(join(at, 'file'), bytes);
      expect(await digest(readDevice(join(at, 'file'), { sizeBytes: bytes.length }))).toBe(sum);
    }),
  );
});
