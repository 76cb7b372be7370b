import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { AttachVolumeCommand } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { checkRecipients, encryptFor, findGpg } from '../../src/codec/index.js';
import type { RestoreDestination } from '../../src/commands/index.js';
import { MiB, poll, systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { mountedAt, localAws, type LocalAws } from '../support/local-aws.js';
import { loopDisk, type LoopDisk } from '../support/loop-disk.js';
import { sha256Of } from '../support/read-archive.js';
import { imageArchived, migrateHurried, patient, restoreHurried, type HurriedRun } from './in-process.js';
import { subject, type Subject } from './support.js';

// AWS fails at each stage of restoring: what was restored is right all the same, or there is none of it under its name, and
// an error that says what failed.

let aws: LocalAws;
let disk: Subject;
beforeAll(async () => {
  aws = await localAws();
  disk = await subject(aws, await aws.bucket());
  expect((await migrateHurried(aws, disk)).done).toEqual([disk.snapshotId]);
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  aws.faults.clear();
  await aws.removeVolumes();
  expect(await aws.leftovers()).toEqual([]);
});

/** The one volume that is there has what the archived one had. */
async function expectRestored({ done, failed, events }: HurriedRun): Promise<void> {
  expect(failed).toEqual([]);
  expect(done).toEqual([disk.snapshotId]);
  const restored = events.find(({ kind }) => kind === 'snapshot-restored');
  const volumes = await aws.volumes();
  expect(volumes).toMatchObject([{ State: 'available', Attachments: [] }]);
  const [{ VolumeId, Tags } = {}] = volumes;
  expect(restored).toMatchObject({ to: VolumeId });
  expect(Tags?.some(({ Key }) => Key === 'snap-to-s3')).toBe(false);
  await aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: aws.machine.instanceId, Device: '/dev/sdp' }));
  const link = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VolumeId?.replace('-', '') ?? ''}`;
  const attached = async () => ((await aws.volumes())[0]?.Attachments?.[0]?.State === 'attached' ? true : undefined);
  expect(await poll(attached, { clock: systemClock, intervalMs: 20, timeoutMs: 10_000 })).toBe(true);
  const sum = await mountedAt(link, { type: 'ext4', options: 'ro' }, (path) => sha256Of(join(path, 'random')));
  expect(sum).toBe(disk.sha256);
}

const faultsOf: readonly Fault[] = [
  { kind: 'throttled' },
  { kind: 'internal-error' },
  { kind: 'unavailable' },
  { kind: 'reset', when: 'before' },
  { kind: 'reset', when: 'after' },
  { kind: 'hang', when: 'after', ms: 300 },
];
const bodies: readonly Fault[] = [
  { kind: 'truncated', afterBytes: 100 },
  { kind: 'truncated', afterBytes: 3_000_000 },
];
const stages = [
  's3:HeadBucket',
  's3:ListObjectsV2',
  's3:HeadObject',
  's3:GetObject',
  's3:PutObject',
  'ec2:DescribeVolumes',
  'ec2:CreateVolume',
  'ec2:AttachVolume',
  'ec2:CreateTags',
  'ec2:DetachVolume',
  'ec2:DeleteTags',
];

describe('a fault that passes', () => {
  it.each([
    ...stages.flatMap((operation) => faultsOf.map((fault) => [operation, fault] as const)),
    ...bodies.map((fault) => ['s3:GetObject', fault] as const),
  ])('%s, twice %j -> restored', async (operation, fault) => {
    const injected = aws.faults.add({ operation, fault, times: 2 });
    const restored = await restoreHurried(aws, disk);
    expect(injected.fired).toBeGreaterThan(0);
    await expectRestored(restored);
  });
});

describe('a fault that lasts', () => {
  it.each(stages.filter((stage) => !/HeadBucket|DetachVolume|DescribeVolumes/.test(stage)))(
    '%s -> a failure that names it, and no volume',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
      const outcome = await restoreHurried(aws, disk).catch((error: unknown) => ({ failed: [{ error }], done: [] }));
      fault.remove();
      expect(fault.fired).toBeGreaterThanOrEqual(3);
      expect(outcome.done).toEqual([]);
      expect(outcome.failed).toMatchObject([{ error: { code: 'unavailable' } }]);
      expect(await aws.volumes()).toEqual([]);
    },
  );

  it.each([
    ['always a cut body', { kind: 'truncated', afterBytes: 1_000 }],
    ['always a flipped bit', { kind: 'flipped-bit' }],
    ['keys that have expired', { kind: 'expired-token' }],
  ] as const)('s3:GetObject, %s -> a failure, and no volume', async (_, fault) => {
    // After something has come, so that there is a volume.
    const injected = aws.faults.add({ operation: 's3:GetObject', fault, where: { key: '*.tar.lz4' }, skip: 1 });
    const { done, failed, events } = await restoreHurried(aws, disk);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'stage', stage: 'creating-new-volume' }));
    expect(injected.fired).toBeGreaterThan(0);
    expect(done).toEqual([]);
    expect(failed).toHaveLength(1);
    expect(await aws.volumes()).toEqual([]);
  });

  it.each(['ec2:DetachVolume', 'ec2:DescribeVolumes'])(
    '%s -> a failure that names the volume, which only the next run can remove',
    async (operation) => {
      const fault = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
      const { done, failed } = await restoreHurried(aws, disk);
      fault.remove();
      const [{ VolumeId = '', Tags } = {}] = await aws.volumes();
      expect(done).toEqual([]);
      expect(JSON.stringify(failed)).toContain(VolumeId);
      expect(Tags?.some(({ Key }) => Key === 'snap-to-s3')).toBe(true);
      await expectRestored(await restoreHurried(aws, disk, { policy: patient }));
    },
  );
});

/** A file or disk that an image was made of, 20 MiB, of which the last four are zeros. */
const imageBytes = 20 * MiB;

/** A place to restore to, and what is there afterwards. */
interface Place {
  /** What is archived, and read of it. */
  readonly of: 'disk' | 'image' | 'encrypted' | 'older';
  readonly open: () => Promise<{
    readonly destination: RestoreDestination;
    /** The SHA-256 of what was restored. */
    readonly sum: () => Promise<string>;
    /** Names under which something is that is not whole. */
    readonly half: () => Promise<readonly string[]>;
  }>;
}

const names = (path: string): Promise<readonly string[]> => readdir(path).catch(() => []);
const newFolder = (): Promise<string> => mkdtemp(join(aws.folder, 'restored-'));
const directory =
  (patterns: readonly string[]): Place['open'] =>
  async () => {
    const path = join(await newFolder(), 'files');
    return {
      destination: { kind: 'directory', path, patterns, devices: true },
      sum: () => sha256Of(join(path, 'random')),
      half: () => names(path),
    };
  };
const file: Place['open'] = async () => {
  const folder = await newFolder();
  const path = join(folder, 'disk.img');
  return {
    destination: { kind: 'file', path },
    sum: () => sha256Of(path),
    half: async () => (await names(folder)).filter((name) => name === 'disk.img'),
  };
};
const places: Readonly<Record<string, Place>> = {
  'a directory': { of: 'disk', open: directory([]) },
  'a directory, a single file': { of: 'disk', open: directory(['random']) },
  "a directory, from the existing tool's": { of: 'older', open: directory([]) },
  'a file': { of: 'image', open: file },
  'a file, encrypted': { of: 'encrypted', open: file },
  'a disk': {
    of: 'image',
    open: async () => {
      const device = await loopDisk(imageBytes / MiB);
      disks.push(device);
      return {
        destination: { kind: 'device', path: device.path, force: true },
        sum: () => sha256Of(device.path),
        half: () => Promise.resolve([]),
      };
    },
  },
  'standard output': {
    of: 'image',
    open: () => {
      let sum = createHash('sha256');
      const start = (): void => void (sum = createHash('sha256'));
      const write = (bytes: Buffer): Promise<void> => Promise.resolve(void sum.update(bytes));
      return Promise.resolve({
        destination: { kind: 'output', write },
        sum: () => Promise.resolve(sum.digest('hex')),
        half: () => Promise.resolve((start(), [])),
      });
    },
  },
};

const disks: LoopDisk[] = [];
let ring: GpgKeyring;
/** What is restored, by what it is of, and its SHA-256. */
const archived = new Map<Place['of'], Pick<Subject, 'snapshotId' | 'bucket' | 'sha256'>>();
beforeAll(async () => {
  archived.set('disk', disk);
  ring = await gpgKeyring();
  await ring.key('Open <open@example.com>');
  const gpg = await findGpg({ home: ring.home });
  const encrypt = encryptFor(gpg, await checkRecipients(gpg, ['open@example.com'], new AbortController().signal));
  const image = Buffer.concat([randomBytes(imageBytes - 4 * MiB), Buffer.alloc(4 * MiB)]);
  const sha256 = createHash('sha256').update(image).digest('hex');
  for (const [of, stage] of [
    ['image', undefined],
    ['encrypted', encrypt],
  ] as const) {
    archived.set(of, { ...(await imageArchived(aws, { bucket: disk.bucket, image, encrypt: stage })), sha256 });
  }
  const folder = await newFolder();
  await writeFile(join(folder, 'random'), image);
  const Body = await run(['bash', '-ec', 'set -o pipefail; tar -c ./random | lz4 -1'], { cwd: folder });
  const older = 'snap-0123456789abc0003';
  const Key = `vol-0123456789abcdef0/2017-01-01T00:00:00+00:00 ${older} - From the older tool.tar.lz4`;
  await aws.s3.send(new PutObjectCommand({ Bucket: disk.bucket, Key, Body }));
  archived.set('older', { snapshotId: older, bucket: disk.bucket, sha256 });
});
afterAll(async () => {
  for (const device of disks) await device[Symbol.asyncDispose]();
  await ring[Symbol.asyncDispose]();
});

/** What strikes, and where: always after something has come, so that there is something half done. */
const middles = { operation: 's3:GetObject', where: { key: '*.lz4' }, skip: 1 } as const;

describe.each(Object.entries(places))('to %s', (name, { of, open }) => {
  const target = (): Pick<Subject, 'snapshotId' | 'bucket' | 'sha256'> => {
    const found = archived.get(of);
    if (found === undefined) throw new Error(`Nothing of ${of} is archived.`);
    return found;
  };
  const isEncrypted = of === 'encrypted';
  const where = { key: isEncrypted ? '*.lz4.gpg' : '*.lz4' };

  it('a cut body in the middle, once -> restored', async () => {
    const fault = { kind: 'truncated', afterBytes: 100_000 } as const;
    const injected = aws.faults.add({ ...middles, where, fault, times: 1 });
    const { destination, sum } = await open();
    const { failed } = await restoreHurried(aws, target(), { destination, gnupgHome: ring.home });
    expect(injected.fired).toBe(1);
    expect(failed).toEqual([]);
    expect(await sum()).toBe(target().sha256);
  });

  it.each<readonly [string, Fault, string]>([
    ['an error', { kind: 'internal-error' }, 'unavailable'],
    ['a flipped bit', { kind: 'flipped-bit' }, 'corrupt-archive'],
  ])(
    'always %s in the middle -> a failure, nothing half under its name, and the next run is right',
    async (_, fault, code) => {
      const injected = aws.faults.add({ ...middles, where, fault });
      const { destination, sum, half } = await open();
      const { done, failed } = await restoreHurried(aws, target(), { destination, gnupgHome: ring.home });
      injected.remove();
      expect(injected.fired).toBeGreaterThan(0);
      expect(done).toEqual([]);
      expect(failed).toMatchObject([{ error: { code } }]);
      expect(await half(), name).toEqual([]);
      expect((await restoreHurried(aws, target(), { destination, gnupgHome: ring.home })).failed).toEqual([]);
      expect(await sum()).toBe(target().sha256);
    },
  );
});

describe('of a single file', () => {
  it.each([
    ['its index', { key: '*.index.jsonl.gz' }],
    ['its seek table', { key: '*.tar.lz4' }],
  ])('%s cannot be read -> a failure, and nothing is left', async (_, where) => {
    const injected = aws.faults.add({ operation: 's3:GetObject', where, fault: { kind: 'internal-error' } });
    const { destination, half } = await directory(['random'])();
    const { failed } = await restoreHurried(aws, disk, { destination });
    injected.remove();
    expect(injected.fired).toBeGreaterThan(0);
    expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
    expect(await half()).toEqual([]);
  });
});

describe('of an encrypted image, without a private key', () => {
  const restored = async (sessionKeys: readonly string[]) => {
    const of = archived.get('encrypted') ?? disk;
    const { destination, sum, half } = await file();
    const { failed } = await restoreHurried(aws, of, { destination, sessionKeys, gnupgHome: await newFolder() });
    return { failed, half: await half(), sum: failed.length === 0 ? await sum() : undefined };
  };
  /** The session key of an object of it. */
  const keyOf = async (end: string): Promise<string> => {
    const keys = await aws.keys(disk.bucket);
    const key = keys.find((one) => one.includes(archived.get('encrypted')?.snapshotId ?? '') && one.endsWith(end));
    return ring.sessionKey(await readFile(await aws.download(disk.bucket, key ?? '')));
  };

  it.each([
    ['both session keys', ['.jsonl.gz.gpg', '.img.lz4.gpg']],
    ['that of the archive alone', ['.img.lz4.gpg']],
  ])('%s -> restored', async (_, ends) => {
    const keys: string[] = [];
    for (const end of ends) keys.push(await keyOf(end));
    expect(await restored(keys)).toEqual({ failed: [], half: ['disk.img'], sum: archived.get('encrypted')?.sha256 });
  });

  it.each([
    ['that of the index alone', ['.jsonl.gz.gpg'], 'wrong-session-key'],
    ['none', [], 'no-secret-key'],
  ] as const)('%s -> a failure, and no file', async (_, ends, code) => {
    const keys: string[] = [];
    for (const end of ends) keys.push(await keyOf(end));
    expect(await restored(keys)).toMatchObject({ failed: [{ error: { code } }], half: [] });
  });
});
