import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, volumeId } from '../../src/core/index.js';
import { findDevice } from '../../src/source/index.js';

const id = volumeId('vol-0123456789abcdef0');
let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'snap-to-s3-root-'));
  await mkdir(join(root, 'dev/disk/by-id'), { recursive: true });
  await mkdir(join(root, 'sys/class'), { recursive: true });
});
afterEach(async () => rm(root, { recursive: true }));

const file = async (path: string, text = ''): Promise<void> => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};
const nvme = async (controller: string, serial: string, model: string): Promise<void> => {
  await file(`sys/class/nvme/${controller}/serial`, `${serial}\n`);
  await file(`sys/class/nvme/${controller}/model`, `${model}                \n`);
  await file(`dev/${controller}n1`);
};
const find = (timeoutMs = 0) => findDevice(id, { clock: systemClock, deviceName: '/dev/sdf', root, timeoutMs });

describe('the device of a volume', () => {
  it('is where the by-id link of EC2 points', async () => {
    await file('dev/nvme3n1');
    await symlink('../../nvme3n1', join(root, 'dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0'));
    expect(await find()).toBe(join(root, 'dev/nvme3n1'));
  });

  it('is the NVMe disk with the serial number of the volume', async () => {
    await nvme('nvme0', 'vol0fffffffffffffff0', 'Amazon Elastic Block Store');
    await nvme('nvme1', 'vol0123456789abcdef0', 'Amazon Elastic Block Store');
    expect(await find()).toBe(join(root, 'dev/nvme1n1'));
  });

  it('is never an instance-store disk, whatever its serial number', async () => {
    await nvme('nvme1', 'vol0123456789abcdef0', 'Amazon EC2 NVMe Instance Storage');
    await expect(find()).rejects.toMatchObject({ code: 'device-missing' });
  });

  it.each(['xvdf', 'sdf'])('without NVMe is the name it was attached as: %s', async (name) => {
    await file(`dev/${name}`);
    expect(await find()).toBe(join(root, 'dev', name));
  });

  it('is not guessed by name where disks are NVMe', async () => {
    await nvme('nvme0', 'vol0fffffffffffffff0', 'Amazon Elastic Block Store');
    await file('dev/sdf');
    await expect(find()).rejects.toMatchObject({ code: 'device-missing' });
  });

  it('is waited for, and its absence is told with what to do', async () => {
    const waiting = find(5_000);
    await nvme('nvme1', 'vol0123456789abcdef0', 'Amazon Elastic Block Store');
    expect(await waiting).toBe(join(root, 'dev/nvme1n1'));
    await rm(join(root, 'dev/nvme1n1'));
    await expect(find()).rejects.toMatchObject({
      message: expect.stringContaining(`waiting for ${id} (attached as /dev/sdf) to appear in /dev`) as string,
      hint: expect.stringContaining('Force detach') as string,
    });
  });
});
