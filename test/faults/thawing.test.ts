import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, InjectedFault } from '../../sandbox/faults/index.js';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import type { RestoreDestination } from '../../src/commands/index.js';
import { MiB, type AppEvent } from '../../src/core/index.js';
import { localAws, type LocalAws } from '../support/local-aws.js';
import { imageArchived, restoreHurried, type HurriedRun } from './in-process.js';
import { spared } from './support.js';

// AWS fails while a frozen archive is asked for, and while its thawing is waited for. Five hours are four seconds here.

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws({ archiveSpeed: 4_500 });
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  aws.faults.clear();
  aws.allowRole([shippedPolicy({ bucket })]);
  expect(await aws.leftovers()).toEqual([]);
});

const image = randomBytes(MiB);
const operations = ['s3:RestoreObject', 's3:HeadObject'];
const thaw = { tier: 'Standard', days: 1, wait: true } as const;

interface Frozen {
  readonly snapshotId: string;
  readonly bucket: string;
  readonly key: string;
}

async function frozen(): Promise<Frozen> {
  const archived = await imageArchived(aws, { bucket, image });
  const keys = await aws.keys(bucket);
  const Key = keys.find((key) => key.includes(archived.snapshotId) && key.endsWith('.img.lz4')) ?? '';
  const CopySource = `${bucket}/${encodeURIComponent(Key)}`;
  await aws.s3.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource, StorageClass: 'GLACIER' }));
  return { ...archived, key: Key };
}

async function restored(
  archive: Frozen,
  destination: RestoreDestination,
  onEvent: (event: AppEvent) => void = () => undefined,
): Promise<HurriedRun> {
  return restoreHurried(aws, archive, { destination, thaw, policy: { attempts: 5, onEvent } });
}

const toFile = async (): Promise<Extract<RestoreDestination, { readonly kind: 'file' }>> => ({
  kind: 'file',
  path: join(await mkdtemp(join(aws.folder, 'thawed-')), 'disk.img'),
});

/** Whether S3 was asked for it: that costs money. */
async function isAskedFor({ key }: Frozen): Promise<boolean> {
  return (await aws.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).Restore !== undefined;
}

const isWaiting = (event: AppEvent): boolean => event.kind === 'notice' && event.text.startsWith('Waiting for');
const isAsked = (event: AppEvent): boolean => event.kind === 'notice' && event.text.includes('asked for (Standard)');

const passing: readonly Fault[] = [
  { kind: 'throttled' },
  { kind: 'internal-error' },
  { kind: 'unavailable' },
  { kind: 'reset', when: 'before' },
  // What was asked for is on its way then, and the second time S3 refuses it.
  { kind: 'reset', when: 'after' },
];

describe('faults that pass', () => {
  it.each(passing)('%j, twice at each call, and while it waits -> asked for once, and restored', async (fault) => {
    const archive = await frozen();
    const injected: InjectedFault[] = operations.map((operation) => aws.faults.add({ operation, fault, times: 2 }));
    const destination = await toFile();
    const { failed, events } = await restored(archive, destination, (event) => {
      if (isWaiting(event)) injected.push(aws.faults.add({ operation: 's3:HeadObject', fault, times: 2 }));
    });
    expect(injected).toHaveLength(3);
    expect(spared(injected)).toEqual([]);
    expect(failed).toEqual([]);
    expect(events.filter(isAsked)).toHaveLength(1);
    expect((await readFile(destination.path)).equals(image)).toBe(true);
  });
});

describe('a fault that lasts', () => {
  it.each(operations)('%s -> a failure; nothing is asked for, and there is no file', async (operation) => {
    const archive = await frozen();
    const injected = aws.faults.add({ operation, fault: { kind: 'internal-error' } });
    const destination = await toFile();
    const { failed, events } = await restored(archive, destination);
    injected.remove();
    expect(injected.fired).toBeGreaterThanOrEqual(5);
    expect(failed).toMatchObject([{ error: { code: 'unavailable' } }]);
    expect(events.filter((event) => isAsked(event) || isWaiting(event))).toEqual([]);
    expect(await isAskedFor(archive)).toBe(false);
    expect(await readdir(join(destination.path, '..'))).toEqual([]);
  });

  it.each<readonly [Fault, string]>([
    [{ kind: 'internal-error' }, 'unavailable'],
    [{ kind: 'expired-token' }, 'credentials'],
  ])('%j while it waits -> a failure; the next run goes on waiting, and asks for nothing', async (fault, code) => {
    const archive = await frozen();
    let injected: InjectedFault | undefined;
    const broken = await restored(archive, { kind: 'nowhere' }, (event) => {
      if (isWaiting(event)) injected = aws.faults.add({ operation: 's3:HeadObject', fault });
    });
    injected?.remove();
    expect(injected?.fired).toBeGreaterThan(0);
    expect(broken.failed).toMatchObject([{ error: { code } }]);
    expect(await isAskedFor(archive)).toBe(true);
    const destination = await toFile();
    const { failed, events } = await restored(archive, destination);
    expect(failed).toEqual([]);
    expect(events.filter(isAsked)).toEqual([]);
    expect((await readFile(destination.path)).equals(image)).toBe(true);
  });

  it('no permission to ask -> refused at once, with the name of it', async () => {
    const archive = await frozen();
    const argv = ['restore', archive.snapshotId, '--bucket', bucket, '--thaw', '--wait', '--json'];
    const denied = await aws.command(argv);
    expect(denied.status).toBe(1);
    const failed = denied.events.find(({ kind }) => kind === 'snapshot-failed');
    expect(failed?.error).toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining('s3:RestoreObject'),
    });
    expect(denied.events.filter(({ kind }) => kind === 'retry')).toEqual([]);
    expect(await isAskedFor(archive)).toBe(false);
  });

  it('a permission to look that is taken away while it waits -> refused, with the name of it', async () => {
    const archive = await frozen();
    const allow = (...Action: string[]): string =>
      JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });
    aws.allowRole([allow('s3:RestoreObject', 's3:ListBucket', 's3:GetObject')]);
    let waited = 0;
    const argv = ['restore', archive.snapshotId, '--bucket', bucket, '--thaw', 'bulk', '--wait', '--json'];
    const denied = await aws.command(argv, {
      onEvent: ({ kind, text = '' }) => {
        if (kind !== 'notice' || !text.startsWith('Waiting for')) return;
        waited += 1;
        aws.allowRole([allow('s3:RestoreObject', 's3:ListBucket')]);
      },
    });
    expect(waited).toBe(1);
    expect(denied.status).toBe(1);
    const failed = denied.events.find(({ kind }) => kind === 'snapshot-failed');
    expect(failed?.error).toMatchObject({ code: 'access-denied', message: expect.stringContaining('s3:GetObject') });
    expect(await isAskedFor(archive)).toBe(true);
  });
});
