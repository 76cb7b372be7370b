import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  AttachVolumeCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { filesystemOn, localAws, type JsonEvent, type LocalAws } from '../support/local-aws.js';
import { s3Witness } from '../support/s3-witness.js';

// What a run that was killed leaves is found and removed by the next one, and no snapshot is worked on twice.

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  const left = await aws.leftovers();
  // The next test is not to suffer for it.
  if (left.length > 0) await aws.command(['cleanup', '--bucket', bucket]);
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const random = (count: number) => (device: string) =>
  filesystemOn(device, 'ext4', async (path) => {
    await run(['dd', 'if=/dev/urandom', `of=${join(path, 'random')}`, 'bs=1M', `count=${count}`, 'status=none']);
  });
const fewFiles = (device: string) => filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'content'));
const argv = (...ids: string[]): string[] => ['migrate', '--snapshots', ...ids, '--bucket', bucket, '--json'];
const migrated = { 'snap-to-s3': 'migrated' };

async function leases(): Promise<readonly string[]> {
  return (await aws.keys(bucket)).filter((key) => key.startsWith('.snap-to-s3/'));
}

async function uploads(): Promise<readonly string[]> {
  const { Uploads = [] } = await aws.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads.map(({ UploadId = '' }) => UploadId).sort();
}

/** Runs until the first event that fits, and kills it there. */
async function killedAt(ids: readonly string[], isMoment: (event: JsonEvent) => boolean, env = {}): Promise<void> {
  let killed = 0;
  const finished = await aws.command(argv(...ids), {
    env,
    onEvent: (event, kill) => {
      if (killed > 0 || !isMoment(event)) return;
      killed += 1;
      kill('SIGKILL');
    },
  });
  expect([killed, finished.status]).toEqual([1, null]);
}

async function expectNextRunSucceeds(snapshotId: string) {
  const next = await aws.command(argv(snapshotId));
  expect(next.status, JSON.stringify(next.events.slice(-3))).toBe(0);
  expect(await aws.tags(snapshotId)).toEqual(migrated);
  return next;
}

/** A lease as a run on another host, or a dead one on this, has written it. */
async function foreignLease(snapshotId: string, changes: object): Promise<void> {
  const content = {
    version: 1,
    runId: 'other',
    owner: 'i-0123456789abcdef0 (process 1)',
    identity: { bootId: 'other', pidNamespace: 'pid:[1]', pid: 1, startTicks: '1' },
    lifetimeMs: 3_000,
    ended: false,
    turn: 1,
    journal: [],
    ...changes,
  };
  const Key = `.snap-to-s3/leases/${snapshotId}.json`;
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: JSON.stringify(content) }));
}

async function leaseOf(snapshotId: string): Promise<object> {
  const Key = `.snap-to-s3/leases/${snapshotId}.json`;
  const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? '') as object;
}

describe('after SIGKILL', () => {
  it.each(['claiming', 'attaching-volume', 'archiving', 'writing-manifest'])(
    'at the stage %s -> the next run takes over at once and cleans up',
    async (stage) => {
      const snapshotId = await aws.snapshot(fewFiles);
      await killedAt([snapshotId], (event) => event.stage === stage);
      await expectNextRunSucceeds(snapshotId);
    },
  );

  it('in the middle of an upload -> its parts are gone, and others to the same key are not touched', async () => {
    const snapshotId = await aws.snapshot(random(120));
    await using witness = await s3Witness(aws.url, { partDelayMs: 1_000 });
    await killedAt(
      [snapshotId],
      ({ kind }) => kind === 'progress' && witness.answered.some(({ query }) => query.has('partNumber')),
      { AWS_ENDPOINT_URL_S3: witness.url },
    );
    const [Key = ''] = witness.answered.filter(({ query }) => query.has('partNumber')).map(({ path }) => path);
    const place = { Bucket: bucket, Key: Key.slice(bucket.length + 2) };
    expect(await uploads()).toHaveLength(1);
    expect(await leases()).toHaveLength(1);
    // Somebody else's, with a part and without.
    const strangers: string[] = [];
    for (const body of ['a part', undefined]) {
      const { UploadId = '' } = await aws.s3.send(
        new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' }),
      );
      strangers.push(UploadId);
      if (body === undefined) continue;
      await aws.s3.send(new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: body }));
    }
    const next = await expectNextRunSucceeds(snapshotId);
    expect(next.events.some(({ text }) => text?.includes('ended without cleaning up') === true)).toBe(true);
    expect(await uploads()).toEqual(strangers.sort());
    for (const UploadId of strangers) await aws.s3.send(new AbortMultipartUploadCommand({ ...place, UploadId }));
  });

  it('of several jobs at once -> --all on the next run finds them all, although their tags say "migrating"', async () => {
    const ids = await aws.snapshots(random(30), 3);
    await using witness = await s3Witness(aws.url, { partDelayMs: 2_000 });
    let archiving = 0;
    let killed = 0;
    const all = ['migrate', '--all', '--jobs', '3', '--bucket', bucket, '--json'];
    await aws.command(all, {
      env: { AWS_ENDPOINT_URL_S3: witness.url },
      onEvent: ({ stage }, kill) => {
        if (stage === 'archiving' && (archiving += 1) === 3) {
          killed += 1;
          kill('SIGKILL');
        }
      },
    });
    expect(killed).toBe(1);
    for (const snapshotId of ids) expect(await aws.tags(snapshotId)).toMatchObject({ 'snap-to-s3': 'migrating' });
    expect(await leases()).toHaveLength(3);
    expect((await aws.command(all)).status).toBe(0);
    for (const snapshotId of ids) expect(await aws.tags(snapshotId)).toEqual(migrated);
  });

  it('cleanup tells what is left, and removes it; --dry-run only tells', async () => {
    const snapshotId = await aws.snapshot(fewFiles);
    await killedAt([snapshotId], ({ stage }) => stage === 'archiving');
    const [volume] = await aws.volumes();
    const before = await aws.leftovers();
    const dry = await aws.command(['cleanup', '--bucket', bucket, '--dry-run']);
    expect(dry).toMatchObject({ status: 0, stderr: '' });
    expect(dry.stdout).toContain(`the temporary volume ${volume?.VolumeId ?? ''}`);
    expect(dry.stdout).toContain('1 snapshot with something left by a dead run. Nothing was changed;');
    expect(await aws.leftovers()).toEqual(before);
    const cleaned = await aws.command(['cleanup', '--bucket', bucket]);
    expect(cleaned.status, cleaned.stderr).toBe(0);
    expect(cleaned.stdout).toContain('all of it is removed.');
    expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrate' });
    expect((await aws.command(['cleanup', '--bucket', bucket])).stdout).toBe('There is nothing to clean up.\n');
  });
});

describe('what a journal names', () => {
  it('is removed only if it is ours: our tag, made of this snapshot, in no other hands', async () => {
    const [snapshotId = '', otherId = ''] = await aws.snapshots(fewFiles, 2);
    const zone = { AvailabilityZone: aws.machine.zone };
    const make = async (SnapshotId: string, tag?: string, Value = 'other'): Promise<string> => {
      const TagSpecifications =
        tag === undefined ? [] : [{ ResourceType: 'volume' as const, Tags: [{ Key: tag, Value }] }];
      const { VolumeId = '' } = await aws.ec2.send(new CreateVolumeCommand({ SnapshotId, ...zone, TagSpecifications }));
      return VolumeId;
    };
    const ours = await make(snapshotId, 'snap-to-s3');
    const lookAlikes = [await make(otherId, 'snap-to-s3'), await make(snapshotId), await make(snapshotId, 'other-tag')];
    // Of one whose id did not reach the journal only the run that made it is known.
    await make(snapshotId, 'snap-to-s3', 'lost');
    const others = [
      await make(snapshotId, 'snap-to-s3', 'a third run'),
      await make(otherId, 'snap-to-s3', 'lost'),
      await make(snapshotId, 'other-tag', 'lost'),
    ];
    const volume = { kind: 'volume', tag: 'snap-to-s3', keep: false };
    await foreignLease(snapshotId, {
      ended: true,
      journal: [
        { ...volume, runId: 'lost', volumeId: null },
        ...[ours, ...lookAlikes].map((volumeId) => ({ ...volume, runId: 'other', volumeId })),
      ],
    });
    lookAlikes.push(...others);
    expect((await aws.command(['cleanup', '--bucket', bucket])).status).toBe(0);
    expect((await aws.volumes()).map(({ VolumeId }) => VolumeId).sort()).toEqual([...lookAlikes].sort());
    await aws.removeVolumes();
  });

  it('is an upload of which the id is not known -> the one that it can be, and no other', async () => {
    const [snapshotId = '', laterId = ''] = await aws.snapshots(fewFiles, 2, { tags: {} });
    const begin = async (Key: string): Promise<string> => {
      const how = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
      const { UploadId = '' } = await aws.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key, ...how }));
      return UploadId;
    };
    const entry = (key: string, others: readonly string[], sinceMs: number) => ({
      kind: 'upload',
      key,
      uploadId: null,
      others,
      sinceMs,
    });
    const before = await begin('vol-1/archive');
    await begin('vol-1/archive');
    const stay = [before, await begin('vol-1/archive.1'), await begin('vol-1/begun before the journal was written')];
    const hourMs = 3_600_000;
    await foreignLease(snapshotId, {
      journal: [
        entry('vol-1/archive', [before], Date.now() - hourMs),
        entry('vol-1/begun before the journal was written', [], Date.now() + hourMs),
      ],
      ended: true,
    });
    const late = entry('vol-1/begun after the lease was over', [], Date.now() - hourMs);
    await foreignLease(laterId, { journal: [late], lifetimeMs: 1 });
    // S3 tells whole seconds.
    await systemClock.sleep(2_100);
    stay.push(await begin('vol-1/begun after the lease was over'));
    expect(await uploads()).toHaveLength(5);
    const cleaned = await aws.command(['cleanup', '--bucket', bucket]);
    expect(cleaned.status, cleaned.stderr).toBe(0);
    expect(await uploads()).toEqual(stay.sort());
    const { Uploads = [] } = await aws.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    for (const { Key, UploadId } of Uploads) {
      await aws.s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
    }
  });

  it('and is attached to another instance is left alone, told, and remembered', async () => {
    const snapshotId = await aws.snapshot(fewFiles);
    const Tags = [{ Key: 'snap-to-s3', Value: 'other' }];
    const { VolumeId = '' } = await aws.ec2.send(
      new CreateVolumeCommand({
        SnapshotId: snapshotId,
        AvailabilityZone: aws.machine.zone,
        TagSpecifications: [{ ResourceType: 'volume', Tags }],
      }),
    );
    await attached(VolumeId);
    const volume = { kind: 'volume', tag: 'snap-to-s3', runId: 'other', volumeId: VolumeId, keep: false };
    const mount = { kind: 'mount', path: '/mnt/somewhere', bootId: 'other' };
    await foreignLease(snapshotId, { ended: true, journal: [volume, mount] });
    // To the command, this machine is another instance.
    await using imds = await otherInstance(aws.imdsUrl);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url };
    const cleaned = await aws.command(['cleanup', '--bucket', bucket], { env });
    expect(cleaned.status).toBe(1);
    expect(cleaned.stderr).toContain(
      `The temporary volume ${VolumeId} of a dead run is attached to ${aws.machine.instanceId}`,
    );
    const { Volumes = [] } = await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    expect(Volumes[0]?.State).toBe('in-use');
    expect(await leaseOf(snapshotId)).toMatchObject({ ended: true, journal: [volume, mount] });
    // Whoever migrates the snapshot there takes a volume of its own, which no instance of that name can have here.
    const migrating = await aws.command(argv(snapshotId), { env });
    expect(migrating.status).toBe(1);
    const stages = migrating.events.flatMap(({ stage = [] }) => stage);
    expect([stages.includes('creating-volume'), stages.includes('reusing-volume')]).toEqual([true, false]);
    expect(migrating.events.some(({ text }) => text?.includes(`${VolumeId} of a dead run is attached to`))).toBe(true);
    expect(await aws.volumes()).toMatchObject([{ VolumeId, State: 'in-use' }]);
    // On its own instance it is removed.
    expect((await aws.command(['cleanup', '--bucket', bucket])).status).toBe(0);
    expect(await aws.volumes()).toEqual([]);
  });

  it('of another version, or is no lease at all, is left alone and told', async () => {
    const snapshotId = await aws.snapshot(fewFiles, { tags: {} });
    await foreignLease(snapshotId, { ended: true, journal: [{ kind: 'something newer' }] });
    const cleaned = await aws.command(['cleanup', '--bucket', bucket]);
    expect(cleaned.stdout).toContain(`${snapshotId}.json: Its journal is of another version. It is left alone.`);
    const failed = await aws.command(argv(snapshotId));
    expect(failed.status).toBe(1);
    expect(failed.events.at(-2)?.error?.message).toContain('is not one that this version understands');
    await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: (await leases())[0] ?? '' }));
  });
});

async function attached(VolumeId: string): Promise<void> {
  const state = async () =>
    (await aws.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes?.[0]?.State;
  const until = (wanted: string) =>
    poll(async () => ((await state()) === wanted ? true : undefined), {
      clock: systemClock,
      intervalMs: 20,
      timeoutMs: 10_000,
    });
  await until('available');
  const InstanceId = aws.machine.instanceId;
  await aws.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdk' }));
  await until('in-use');
}

describe('the lease', () => {
  it('of a run on another host keeps everybody else away until it is over', async () => {
    const snapshotId = await aws.snapshot(random(30));
    await using witness = await s3Witness(aws.url, { partDelayMs: 2_000 });
    let killed = 0;
    const dead = await aws.command(argv(snapshotId), {
      elsewhere: true,
      env: { AWS_ENDPOINT_URL_S3: witness.url },
      onEvent: ({ kind }, kill) => {
        if (kind !== 'progress' || killed > 0) return;
        killed += 1;
        kill('SIGKILL');
      },
    });
    expect([killed, dead.status]).toEqual([1, null]);
    const left = await aws.leftovers();
    expect(left.length).toBeGreaterThan(0);
    const early = await aws.command(argv(snapshotId));
    expect(early.status).toBe(1);
    const message = expect.stringMatching(/ on i-[0-9a-f]+ \(process \d+\) is working on this: /) as string;
    expect(early.events.at(-2)).toMatchObject({
      kind: 'snapshot-failed',
      error: { code: 'claimed-elsewhere', message },
    });
    expect(await aws.leftovers()).toEqual(left);
    expect(await aws.tags(snapshotId)).toMatchObject({ 'snap-to-s3': 'migrating' });
    // As if its two minutes were over: the same lease, and two seconds.
    await foreignLease(snapshotId, { ...(await leaseOf(snapshotId)), lifetimeMs: 1 });
    await systemClock.sleep(2_100);
    const next = await expectNextRunSucceeds(snapshotId);
    expect(next.events.some(({ text }) => text?.includes('ended without cleaning up') === true)).toBe(true);
  });

  it('that a suspended run has lost -> when it wakes, nothing that its successor has made is changed', async () => {
    const snapshotId = await aws.snapshot(random(60));
    await using witness = await s3Witness(aws.url, { partDelayMs: 1_500 });
    let stopped = 0;
    let wake: (signal: NodeJS.Signals) => void = () => undefined;
    const suspended = aws.command([...argv(snapshotId), '--lease-seconds', '3'], {
      env: { AWS_ENDPOINT_URL_S3: witness.url },
      onEvent: ({ kind }, kill) => {
        if (kind !== 'progress' || stopped > 0) return;
        stopped += 1;
        wake = kill;
        kill('SIGSTOP');
      },
    });
    const isStopped = () => Promise.resolve(stopped > 0 ? true : undefined);
    await poll(isStopped, { clock: systemClock, intervalMs: 50, timeoutMs: 60_000 });
    expect(stopped).toBe(1);
    // The lease ends after three seconds, which S3 tells as whole ones.
    await systemClock.sleep(5_000);
    await expectNextRunSucceeds(snapshotId);
    const keys = (await aws.keys(bucket)).filter((key) => key.includes(snapshotId) && !key.startsWith('.'));
    const stateOf = async (Key: string) => {
      const { ETag, LastModified } = await aws.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
      return [Key, ETag, LastModified];
    };
    const made = await Promise.all(keys.map(stateOf));
    wake('SIGCONT');
    const woken = await suspended;
    expect(woken.status).toBe(1);
    expect(woken.events.at(-2)).toMatchObject({ kind: 'snapshot-failed', error: { code: 'claimed-elsewhere' } });
    expect(await Promise.all(keys.map(stateOf))).toEqual(made);
    expect(await aws.tags(snapshotId)).toEqual(migrated);
    // What the successor could not take from under the suspended one is gone as well; its journal is told so.
    const journals = await leases();
    expect(await aws.leftovers()).toHaveLength(journals.length);
    expect((await aws.command(['cleanup', '--bucket', bucket])).status).toBe(0);
  });

  it('lets ten processes share thirty snapshots: each is archived once', async () => {
    const other = await aws.bucket();
    const ids = await aws.snapshots(fewFiles, 30);
    const runs = await Promise.all(
      Array.from({ length: 10 }, () => aws.command(['migrate', '--all', '--bucket', other, '--json'])),
    );
    const archived = runs.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'snapshot-archived' ? [event.snapshotId] : [])),
    );
    // Other tests have left tags.
    expect(archived.filter((id = '') => ids.includes(id)).sort()).toEqual([...ids].sort());
    expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 0));
    expect(runs.filter(({ events }) => events.some(({ kind }) => kind === 'snapshot-archived')).length).toBeGreaterThan(
      4,
    );
    for (const snapshotId of ids) expect(await aws.tags(snapshotId)).toEqual(migrated);
  });

  it('lets three processes with the same --snapshots archive each once', async () => {
    const other = await aws.bucket();
    const ids = await aws.snapshots(fewFiles, 3, { tags: {} });
    const list = ['migrate', '--snapshots', ...ids, '--bucket', other, '--json'];
    const runs = await Promise.all([1, 2, 3].map(() => aws.command(list)));
    const archived = runs.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'snapshot-archived' ? [event.snapshotId] : [])),
    );
    expect(archived.sort()).toEqual([...ids].sort());
    // A snapshot that another run has at the moment was not archived by this one: that is said, and counts.
    for (const { status, events } of runs) {
      const failed = events.flatMap((event) => (event.kind === 'snapshot-failed' ? [event.error?.code] : []));
      expect(new Set(failed).size).toBeLessThanOrEqual(1);
      if (failed.length > 0) expect(failed[0]).toBe('claimed-elsewhere');
      expect(status).toBe(failed.length === 0 ? 0 : 3);
    }
  });
});

describe('a claim that another tool overwrites while it settles', () => {
  it.each([
    ['a small archive', fewFiles],
    ['parts that are sent already', random(120)],
  ])("-> %s: nothing comes into being, nothing is left, and the tags are the other one's", async (_, contents) => {
    const snapshotId = await aws.snapshot(contents);
    const others = { 'snap-to-s3': 'migrating', 'snap-to-s3-id': 'another' };
    const Tags = Object.entries(others).map(([Key, Value]) => ({ Key, Value }));
    const before = [await aws.keys(bucket), await uploads()];
    const tagged: Promise<unknown>[] = [];
    const finished = await aws.command(argv(snapshotId), {
      onEvent: ({ stage }) => {
        if (stage === 'archiving') tagged.push(aws.ec2.send(new CreateTagsCommand({ Resources: [snapshotId], Tags })));
      },
    });
    expect(tagged.length).toBe(1);
    await Promise.all(tagged);
    expect(finished.status).toBe(1);
    const failed = finished.events.find(({ kind }) => kind === 'snapshot-failed');
    expect(failed?.error).toMatchObject({
      code: 'claimed-elsewhere',
      message: `Snapshot ${snapshotId} was claimed by another run (another).`,
    });
    expect(await aws.tags(snapshotId)).toEqual(others);
    expect([await aws.keys(bucket), await uploads()]).toEqual(before);
  });
});

describe('a store without conditional writes', () => {
  it('-> tags alone, said once; the archive is made as ever', async () => {
    const ids = await aws.snapshots(fewFiles, 2);
    await using witness = await s3Witness(aws.url, { conditionalWrites: false });
    const finished = await aws.command(argv(...ids), { env: { AWS_ENDPOINT_URL_S3: witness.url } });
    expect(finished.status, finished.stderr).toBe(0);
    expect(finished.events.filter(({ text }) => text?.includes('no conditional writes') === true)).toHaveLength(1);
    for (const snapshotId of ids) expect(await aws.tags(snapshotId)).toEqual(migrated);
  });

  it('-> of two processes with --all, each snapshot is archived by one', async () => {
    const other = await aws.bucket();
    const ids = await aws.snapshots(fewFiles, 4);
    await using witness = await s3Witness(aws.url, { conditionalWrites: false });
    const all = ['migrate', '--all', '--jobs', '2', '--bucket', other, '--json'];
    const env = { AWS_ENDPOINT_URL_S3: witness.url };
    const runs = await Promise.all([1, 2].map(() => aws.command(all, { env })));
    expect(runs.map(({ status }) => status)).toEqual([0, 0]);
    const archived = runs.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'snapshot-archived' ? [event.snapshotId] : [])),
    );
    expect(archived.filter((id = '') => ids.includes(id)).sort()).toEqual([...ids].sort());
    for (const snapshotId of ids) expect(await aws.tags(snapshotId)).toEqual(migrated);
  });
});

describe('signals', () => {
  it('a second Ctrl+C leaves at once; what is left the next run removes', async () => {
    const snapshotId = await aws.snapshot(random(60));
    await using witness = await s3Witness(aws.url, { partDelayMs: 2_000 });
    let signals = 0;
    const finished = await aws.command(argv(snapshotId), {
      env: { AWS_ENDPOINT_URL_S3: witness.url },
      onEvent: ({ kind }, kill) => {
        if (kind !== 'progress' || signals > 0) return;
        signals += 2;
        kill('SIGINT');
        setTimeout(() => kill('SIGINT'), 20);
      },
    });
    expect([signals, finished.status]).toEqual([2, 130]);
    expect(finished.stderr).toContain('Leaving at once');
    expect(await leases()).toHaveLength(1);
    await expectNextRunSucceeds(snapshotId);
  });
});

/** The metadata service of another instance in the same zone. */
async function otherInstance(imdsUrl: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const headers = Object.fromEntries(
        Object.entries(incoming.headers).filter(([name]) => name.startsWith('x-aws-')),
      ) as Record<string, string>;
      const answer = await fetch(new URL(incoming.url ?? '/', imdsUrl), { method: incoming.method ?? 'GET', headers });
      const text = await answer.text();
      outgoing.writeHead(answer.status).end(text.replaceAll(aws.machine.instanceId, 'i-0fedcba9876543210'));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
