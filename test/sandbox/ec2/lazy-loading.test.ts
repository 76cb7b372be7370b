import { open, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AttachVolumeCommand, DeleteVolumeCommand, DetachVolumeCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { byIdName } from '../../../sandbox/ec2/index.js';
import { MiB, systemClock } from '../../../src/core/index.js';
import { run, runText } from '../../../src/process/index.js';
import { availableVolume, completedSnapshot, eventually, startEc2, volumeNow, type TestEc2 } from './support.js';

const lazyLoading = { bytesPerSecond: 8 * MiB, latencyMs: 0 };
/** What all volumes of these tests are made of. */
const dataBytes = 32 * MiB;
/** A piece of it that takes half a second at the speed above, and one that no kernel reads ahead from there. */
const pieceBytes = 4 * MiB;
const farPiece = 24 * MiB;
/** What has to be fetched takes longer than this, whatever the machine does; what has not, only if it does very much. */
const fetchingMs = 400;
const lazily = async (loading = lazyLoading): Promise<{ ec2: TestEc2; snapshotId: string }> => {
  const ec2 = await startEc2({ lazyLoading: loading });
  const origin = await availableVolume(ec2.client);
  const device = await attached(ec2, origin, 0);
  const disk = await open(device, 'r+');
  await disk.write(Buffer.alloc(dataBytes, 'what a snapshot holds '), 0, dataBytes, 0);
  await disk.close();
  const snapshotId = await completedSnapshot(ec2.client, origin);
  await detached(ec2, origin);
  await ec2.client.send(new DeleteVolumeCommand({ VolumeId: origin }));
  return { ec2, snapshotId };
};

async function attached({ client, service }: TestEc2, VolumeId: string, index: number): Promise<string> {
  const Device = `/dev/sd${'fghij'.charAt(index)}`;
  await client.send(new AttachVolumeCommand({ VolumeId, InstanceId: service.instance.id, Device }));
  await eventually(async () =>
    (await volumeNow(client, VolumeId))?.Attachments?.[0]?.State === 'attached' ? true : undefined,
  );
  return join('/dev', (await readlink(`/dev/disk/by-id/${byIdName(VolumeId)}`)).replace('../../', ''));
}

async function detached({ client }: TestEc2, VolumeId: string): Promise<void> {
  await client.send(new DetachVolumeCommand({ VolumeId }));
  await eventually(async () => ((await volumeNow(client, VolumeId))?.State === 'available' ? true : undefined));
}

/** Milliseconds that reading takes when the kernel has nothing in memory of the device. */
async function readingMs(device: string, { at = 0, bytes = pieceBytes } = {}): Promise<number> {
  await run(['blockdev', '--flushbufs', device]);
  const beganMs = systemClock.now();
  const disk = await open(device, 'r');
  await disk.read(Buffer.alloc(bytes), 0, bytes, at);
  await disk.close();
  return systemClock.now() - beganMs;
}

/** Everything of lazy loading that is still there, once it has had time to go. */
async function leftOf({ directory }: TestEc2): Promise<readonly string[]> {
  const look = async (): Promise<readonly string[]> => {
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    const processes = (await runText(['ps', '-e', '-o', 'args'])).split('\n');
    const loops = (await runText(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE'])).split('\n');
    const files = await readdir(join(directory, 'volumes'));
    return [...[...mounts, ...processes, ...loops].filter((line) => line.includes(directory)), ...files];
  };
  await eventually(async () => ((await look()).length === 0 ? true : undefined)).catch(() => undefined);
  return look();
}

describe('lazy loading', () => {
  it('a block of a volume made of a snapshot is slow until it was read, also in another attachment', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const volume = await availableVolume(ec2.client, { SnapshotId });
    const device = await attached(ec2, volume, 0);
    expect(await readingMs(device)).toBeGreaterThan(fetchingMs);
    expect(await readingMs(device)).toBeLessThan(fetchingMs);
    await detached(ec2, volume);
    const again = await attached(ec2, volume, 1);
    expect(await readingMs(again)).toBeLessThan(fetchingMs);
    expect(await readingMs(again, { at: farPiece })).toBeGreaterThan(fetchingMs);
    await detached(ec2, volume);
    await ec2.client.send(new DeleteVolumeCommand({ VolumeId: volume }));
    expect(await leftOf(ec2)).toEqual([]);
  });

  it('what was never written to the snapshot is not slow, nor is a new volume', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const device = await attached(ec2, await availableVolume(ec2.client, { SnapshotId }), 0);
    expect(await readingMs(device, { at: 64 * MiB, bytes: 32 * MiB })).toBeLessThan(2_000);
    const fresh = await attached(ec2, await availableVolume(ec2.client), 1);
    expect(await readingMs(fresh, { bytes: 32 * MiB })).toBeLessThan(2_000);
  });

  it('four volumes at once, attached at once, take as long as one', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const volumes = await Promise.all([0, 1, 2, 3, 4].map(() => availableVolume(ec2.client, { SnapshotId })));
    const devices = await Promise.all(volumes.map((volume, index) => attached(ec2, volume, index)));
    const [first = '', ...others] = devices;
    const oneMs = await readingMs(first);
    const beganMs = systemClock.now();
    await Promise.all(others.map((device) => readingMs(device)));
    expect(oneMs).toBeGreaterThan(fetchingMs);
    expect(systemClock.now() - beganMs).toBeLessThan(2 * oneMs);
  });

  it('with a latency, blocks that are asked for at once wait for it at once', async () => {
    const latencyMs = 400;
    const { ec2, snapshotId: SnapshotId } = await lazily({ bytesPerSecond: 1024 * MiB, latencyMs });
    const device = await attached(ec2, await availableVolume(ec2.client, { SnapshotId }), 0);
    await run(['blockdev', '--setra', '0', device]);
    const places = [4, 8, 12, 16, 20, 24, 28].map((at) => at * MiB);
    const beganMs = systemClock.now();
    await Promise.all(places.map((at) => readingMs(device, { at, bytes: 4096 })));
    const tookMs = systemClock.now() - beganMs;
    expect(tookMs).toBeGreaterThan(latencyMs);
    expect(tookMs).toBeLessThan(3 * latencyMs);
  });

  it('gives the bytes of the snapshot, and keeps what is written before anything was read', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const volume = await availableVolume(ec2.client, { SnapshotId });
    const disk = await open(await attached(ec2, volume, 0), 'r+');
    await disk.write(Buffer.from('written'), 0, 7, MiB + 5);
    await disk.close();
    const copy = await availableVolume(ec2.client, { SnapshotId: await completedSnapshot(ec2.client, volume) });
    const expected = Buffer.alloc(dataBytes, 'what a snapshot holds ');
    expected.write('written', MiB + 5);
    const found = Buffer.alloc(dataBytes);
    const reader = await open(await attached(ec2, copy, 1), 'r');
    await reader.read(found, 0, dataBytes, 0);
    await reader.close();
    expect(found.equals(expected)).toBe(true);
  });

  it('Force takes it away under an open file; the rest goes when that is closed', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const volume = await availableVolume(ec2.client, { SnapshotId });
    const disk = await open(await attached(ec2, volume, 0), 'r');
    await ec2.client.send(new DetachVolumeCommand({ VolumeId: volume, Force: true }));
    await eventually(async () => ((await volumeNow(ec2.client, volume))?.State === 'available' ? true : undefined));
    await disk.close();
    await ec2.client.send(new DeleteVolumeCommand({ VolumeId: volume }));
    expect(await leftOf(ec2)).toEqual([]);
  });

  it('a volume whose server was killed can be taken away by force', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const volume = await availableVolume(ec2.client, { SnapshotId });
    await attached(ec2, volume, 0);
    const servers = (await runText(['ps', '-e', '-o', 'pid,args'])).split('\n').filter((line) => line.includes(volume));
    expect(servers).toHaveLength(1);
    process.kill(Number.parseInt(servers[0] ?? '', 10), 'SIGKILL');
    await ec2.client.send(new DetachVolumeCommand({ VolumeId: volume, Force: true }));
    await eventually(async () => ((await volumeNow(ec2.client, volume))?.State === 'available' ? true : undefined));
    await ec2.client.send(new DeleteVolumeCommand({ VolumeId: volume }));
    expect(await leftOf(ec2)).toEqual([]);
  });

  it('closing the sandbox ends it, and the next one serves the volume again', async () => {
    const { ec2, snapshotId: SnapshotId } = await lazily();
    const volume = await availableVolume(ec2.client, { SnapshotId });
    await readingMs(await attached(ec2, volume, 0));
    await ec2.service.close();
    await ec2.close();
    const next = await startEc2({ directory: ec2.directory, lazyLoading });
    const device = join('/dev', (await readlink(`/dev/disk/by-id/${byIdName(volume)}`)).replace('../../', ''));
    expect(await readingMs(device)).toBeLessThan(fetchingMs);
    expect(await readingMs(device, { at: farPiece })).toBeGreaterThan(fetchingMs);
    await detached(next, volume);
    await next.client.send(new DeleteVolumeCommand({ VolumeId: volume }));
    expect(await leftOf(next)).toEqual([]);
  });
});
