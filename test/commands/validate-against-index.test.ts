import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/faults/index.js';
import { archiveKey, indexKey } from '../../src/archive/index.js';
import { validateAgainstIndex, type RunResult, type Selection } from '../../src/commands/index.js';
import { leaseKey } from '../../src/commands/journal.js';
import { leaseSnapshot } from '../../src/commands/snapshot-lease.js';
import { checkRecipients, encryptFor, findGpg } from '../../src/codec/index.js';
import { instanceId, MiB, poll, systemClock, type AppEvent, type SnapshotId } from '../../src/core/index.js';
import { faultyS3, type FaultyS3 } from '../support/faulty-s3.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import {
  archivePlain,
  folderToArchive,
  plainSnapshot,
  putManifest,
  type PlainArchive,
} from '../support/plain-archive.js';

// Archives are read and proven by what the bucket has of them, and nothing else is there: no snapshot, no EC2, no root.

let s3: FaultyS3;
let ring: GpgKeyring;
/** A tar, an image, and an encrypted tar. */
let archives: readonly PlainArchive[];
beforeAll(async () => {
  [s3, ring] = await Promise.all([faultyS3({ socketTimeout: 30_000 }), gpgKeyring()]);
  await ring.key('Owner <owner@example.com>');
  const gpg = await findGpg({ home: ring.home });
  const encrypt = encryptFor(gpg, await checkRecipients(gpg, ['owner@example.com'], new AbortController().signal));
  // More than one range, so that there is one in the middle.
  const folder = await folderToArchive(s3.folder, 10 * MiB);
  archives = await Promise.all([
    archivePlain(s3.store, folder),
    archivePlain(s3.store, join(folder, 'random'), { content: 'image' }),
    archivePlain(s3.store, folder, { encrypt }),
  ]);
});
afterAll(async () => {
  await ring[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
});
afterEach(() => s3.faults.clear());

const all = () => archives.map(({ snapshot }) => snapshot.snapshotId);

interface Validated extends RunResult {
  readonly events: readonly AppEvent[];
}

async function validated(selection: Exclude<Selection, { kind: 'one' }>, store = s3.store): Promise<Validated> {
  const events: AppEvent[] = [];
  const result = await validateAgainstIndex(
    selection,
    { downloadStreams: 2, sessionKeys: [], jobs: 1 },
    {
      store,
      clock: systemClock,
      events: (event) => void events.push(event),
      parallelism: 1,
      gnupgHome: ring.home,
      signal: new AbortController().signal,
    },
  );
  return { ...result, events };
}
const plainTar = { partition: undefined, content: 'tar', codec: 'lz4', encrypted: false } as const;
const findings = ({ events }: Validated) => events.filter((event) => event.kind === 'finding');

describe('all archives of a bucket', () => {
  it('those whose manifest was lost are findings; those of another tool, which have no index, are counted', async () => {
    const Bucket = 'others';
    await s3.client.send(new CreateBucketCommand({ Bucket }));
    const put = (Key: string) => s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'no archive' }));
    const names = Array.from({ length: 3 }, () => ({ ...plainSnapshot(), ...plainTar }));
    const [lost = fail(), onlyIndex = fail(), foreign = fail()] = names;
    await Promise.all([lost, foreign].map((name) => put(archiveKey(name))));
    await Promise.all([lost, onlyIndex].map((name) => put(indexKey(archiveKey(name)))));
    const result = await validated({ kind: 'all' }, { ...s3.store, bucket: Bucket });
    expect(result.done).toEqual([]);
    expect(result.failed).toMatchObject([
      { snapshotId: lost.snapshotId, error: { code: 'validation-failed' } },
      { snapshotId: onlyIndex.snapshotId, error: { code: 'not-found' } },
    ]);
    expect(findings(result)).toMatchObject([
      { key: archiveKey(lost), text: expect.stringContaining('there is no manifest') },
      { key: archiveKey(lost), problem: 'damaged' },
    ]);
    const notices = result.events.filter(({ kind }) => kind === 'notice');
    expect(notices).toMatchObject([
      { text: expect.stringMatching(/^1 snapshot in others has an archive without index/) },
    ]);
  });
});

describe('an archive that is being made', () => {
  const made = async (): Promise<{ store: typeof s3.store; snapshotId: SnapshotId }> => {
    const Bucket = `making-${randomUUID()}`;
    await s3.client.send(new CreateBucketCommand({ Bucket }));
    const name = { ...plainSnapshot(), ...plainTar };
    for (const Key of [archiveKey(name), indexKey(archiveKey(name))])
      await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'on its way' }));
    return { store: { ...s3.store, bucket: Bucket }, snapshotId: name.snapshotId };
  };
  const lease = (store: typeof s3.store, snapshotId: SnapshotId) =>
    leaseSnapshot(snapshotId, {
      store,
      instance: { instanceId: instanceId('i-00000000000000001'), region: 'us-east-1', availabilityZone: 'us-east-1a' },
      clock: systemClock,
      events: () => undefined,
      runId: 'migrating',
      signal: new AbortController().signal,
      lifetimeMs: 60_000,
    });

  it('is left alone among all, told where it is named, and no finding', async () => {
    const { store, snapshotId } = await made();
    await using _ = await lease(store, snapshotId);
    const among = await validated({ kind: 'all' }, store);
    expect(among).toMatchObject({ done: [], failed: [] });
    expect(among.events).toContainEqual(
      expect.objectContaining({
        kind: 'snapshot-left',
        snapshotId,
        why: expect.stringContaining('i-00000000000000001'),
      }),
    );
    const named = await validated({ kind: 'list', snapshotIds: [snapshotId] }, store);
    expect(named.failed).toMatchObject([{ snapshotId, error: { code: 'claimed-elsewhere' } }]);
    expect([...findings(among), ...findings(named)]).toEqual([]);
  });

  it('and whose manifest comes, with the lease gone, while it is looked at, is validated', async () => {
    const [archive = fail()] = archives;
    const { snapshotId } = archive.snapshot;
    await s3.client.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: archive.manifestKey }));
    const held = s3.faults.add({
      operation: 's3:GetObject',
      fault: { kind: 'hang' },
      where: { key: leaseKey(snapshotId) },
      times: 1,
    });
    const running = validated({ kind: 'list', snapshotIds: [snapshotId] });
    await poll(() => Promise.resolve(held.fired > 0 ? true : undefined), {
      clock: systemClock,
      intervalMs: 5,
      timeoutMs: 10_000,
    });
    await putManifest(s3.store, archive.manifest);
    held.remove();
    const result = await running;
    expect(result).toMatchObject({ done: [snapshotId], failed: [] });
    expect(findings(result)).toEqual([]);
  });
});

/** Where a fault strikes: in the middle of the archives, at once in what is small. */
const places = {
  archives: [{ key: '*.tar.lz4' }, { key: '*.img.lz4' }, { key: '*.tar.lz4.gpg' }],
  indexes: [{ key: '*.tar.lz4.index.jsonl.gz' }, { key: '*.img.lz4.index.jsonl.gz' }, { key: '*.index.jsonl.gz.gpg' }],
  manifests: [{ key: 'vol-*1/*.manifest.json' }, { key: 'vol-*2/*.manifest.json' }, { key: 'vol-*3/*.manifest.json' }],
} as const;
type Place = keyof typeof places;
const strike = (place: Place, fault: Fault, times?: number) =>
  places[place].map((where) =>
    s3.faults.add({
      operation: 's3:GetObject',
      fault,
      where,
      skip: place === 'archives' ? 1 : 0,
      ...(times === undefined ? {} : { times }),
    }),
  );

describe('faults that pass', () => {
  it.each<readonly [readonly Fault[], readonly Place[]]>([
    [
      [{ kind: 'throttled' }, { kind: 'internal-error' }, { kind: 'unavailable' }],
      ['archives', 'indexes', 'manifests'],
    ],
    [
      [
        { kind: 'reset', when: 'before' },
        { kind: 'reset', when: 'after' },
        { kind: 'truncated', afterBytes: 100 },
      ],
      ['archives', 'indexes', 'manifests'],
    ],
    [[{ kind: 'flipped-bit' }], ['archives']],
    [[{ kind: 'flipped-bit' }], ['indexes', 'manifests']],
  ])('%j, one after the other, in all %j -> all are validated, and no damage is told', async (faults, where) => {
    const injected = faults.flatMap((fault) => where.flatMap((place) => strike(place, fault, 1)));
    const result = await validated({ kind: 'list', snapshotIds: all() });
    expect(injected.map(({ fired }) => fired)).toEqual(injected.map(() => 1));
    expect(result).toMatchObject({ done: all(), failed: [] });
    expect(findings(result)).toEqual([]);
    if (faults[0]?.kind !== 'flipped-bit') return;
    const warnings = result.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
    expect(warnings).toHaveLength(all().length);
    for (const [n, id] of all().entries()) {
      expect(warnings[n]).toMatch(new RegExp(`${id}.* came damaged at first, and whole when it was read again`));
    }
  });
});

describe('a fault that lasts', () => {
  it.each<readonly [number, string, Fault, string]>([
    [0, '.tar.lz4', { kind: 'internal-error' }, 'unavailable'],
    [0, '.tar.lz4', { kind: 'flipped-bit' }, 'validation-failed'],
    [0, '.tar.lz4.index.jsonl.gz', { kind: 'truncated', afterBytes: 10 }, 'unavailable'],
    [0, '.manifest.json', { kind: 'flipped-bit' }, 'corrupt-archive'],
    [1, '.img.lz4', { kind: 'truncated', afterBytes: 10 }, 'unavailable'],
    [1, '.img.lz4.index.jsonl.gz', { kind: 'flipped-bit' }, 'validation-failed'],
    [2, '.tar.lz4.gpg', { kind: 'expired-token' }, 'credentials'],
    [2, '.tar.lz4.gpg', { kind: 'flipped-bit' }, 'validation-failed'],
    [2, '.index.jsonl.gz.gpg', { kind: 'internal-error' }, 'unavailable'],
  ])('of archive %i, at %s, %j -> it is not validated, but %s', async (which, end, fault, code) => {
    const id = all()[which] ?? fail();
    const skip = /(?:lz4|lz4\.gpg)$/.test(end) ? 1 : 0;
    const injected = s3.faults.add({ operation: 's3:GetObject', fault, where: { key: `*${id}*${end}` }, skip });
    const result = await validated({ kind: 'list', snapshotIds: [id] });
    expect(injected.fired).toBeGreaterThan(0);
    expect(result).toMatchObject({ done: [], failed: [{ snapshotId: id, error: { code } }] });
    expect(result.events.some(({ kind }) => kind === 'snapshot-validated')).toBe(false);
  });
});

function fail(): never {
  throw new Error('There is none.');
}
