import { tmpdir } from 'node:os';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/core/index.js';
import { takeLease, type Lease, type LeaseOptions, type ObjectStore } from '../../src/store/index.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

interface Journal {
  readonly volumes: readonly string[];
}

const key = '.snap-to-s3/leases/snap-0123456789abcdef0.json';
let sandbox: S3Sandbox;
let store: ObjectStore;
/** What S3 writes as Last-Modified is so far in the past. */
let agoMs = 0;
beforeAll(async () => {
  sandbox = await s3Sandbox({ clock: { ...systemClock, now: () => systemClock.now() - agoMs } });
  const retryPolicy = { attempts: 12, firstPauseMs: 5, longestPauseMs: 50, totalMs: 10_000 };
  store = { client: sandbox.client(), bucket: 'bucket', clock: systemClock, temporaryDirectory: tmpdir(), retryPolicy };
});
afterEach(async () => {
  agoMs = 0;
  store.client.middlewareStack.remove('fault');
  expect(sandbox.defects).toEqual([]);
  expect(await keys()).toEqual([]);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

async function keys(): Promise<readonly (string | undefined)[]> {
  return ((await store.client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))).Contents ?? []).map(
    ({ Key }) => Key,
  );
}

async function content(): Promise<{ runId: string; turn: number; journal: Journal }> {
  const { Body } = await store.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }));
  return JSON.parse((await Body?.transformToString()) ?? '') as { runId: string; turn: number; journal: Journal };
}

function take(runId: string, options: Partial<LeaseOptions<Journal>> = {}): Promise<Lease<Journal>> {
  return takeLease<Journal>(store, {
    key,
    runId,
    owner: `host of ${runId}`,
    identity: runId,
    isDead: () => false,
    lifetimeMs: 60_000,
    emptyJournal: { volumes: [] },
    isEmpty: ({ volumes }) => volumes.length === 0,
    parseJournal: (value) => value as Journal,
    clock: systemClock,
    ...options,
  });
}

/** A clock of a host that does nothing any more: what waits, waits until it is cancelled. */
const suspended: Clock = {
  now: () => systemClock.now(),
  sleep: (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')), { once: true });
    }),
};

/** Loses the answers of the next writes, refusals too: S3 has done them, the client sees a broken connection. */
function losingAnswers(count: number) {
  const fault = { fired: 0 };
  store.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'PutObjectCommand' || fault.fired === count) return next(args);
      fault.fired += 1;
      await next(args).catch(() => undefined);
      throw Object.assign(new Error('socket hang up'), { name: 'ECONNRESET', $metadata: {} });
    },
    { step: 'finalizeRequest', name: 'fault', override: true },
  );
  return fault;
}

/** What a run of before has left in its journal, if it has. */
async function leaveBehind(left: Journal | undefined): Promise<void> {
  if (left === undefined) return;
  const before = await take('before');
  await before.record(() => left);
  await before[Symbol.asyncDispose]();
}

/** The next run has that, and nobody is in its way. */
async function expectInherited(left: Journal): Promise<void> {
  await using next = await take('next');
  expect(next.inherited).toMatchObject({ journal: left });
  next.note(() => ({ volumes: [] }));
}

describe('a lease', () => {
  it('is had by one of ten that want it at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => take(`run-${index}`)));
    const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
    expect(held).toHaveLength(1);
    for (const reason of refused)
      expect(reason).toMatchObject({ code: 'claimed-elsewhere', message: /on host of run-/ });
    await held[0]?.[Symbol.asyncDispose]();
  });

  it('is gone when it is given back, and free', async () => {
    for (const runId of ['first', 'second']) {
      await using lease = await take(runId);
      expect(lease.inherited).toBeUndefined();
      expect(await keys()).toEqual([key]);
    }
  });

  it('writes its journal before it goes on', async () => {
    await using lease = await take('run');
    await Promise.all([
      lease.record(({ volumes }) => ({ volumes: [...volumes, 'vol-1'] })),
      lease.record(({ volumes }) => ({ volumes: [...volumes, 'vol-2'] })),
    ]);
    expect(await content()).toMatchObject({ runId: 'run', journal: { volumes: ['vol-1', 'vol-2'] } });
    lease.note(() => ({ volumes: [] }));
  });

  it('that is given back with something in its journal stays, and the next run has it at once', async () => {
    const first = await take('first');
    await first.record(() => ({ volumes: ['vol-1', 'vol-2'] }));
    first.note(() => ({ volumes: ['vol-2'] }));
    await first[Symbol.asyncDispose]();
    expect(await content()).toMatchObject({ runId: 'first', ended: true, journal: { volumes: ['vol-2'] } });
    await using second = await take('second');
    expect(second.inherited).toEqual({
      journal: { volumes: ['vol-2'] },
      ageMs: expect.any(Number),
      overAtMs: expect.any(Number),
    });
    second.note(() => ({ volumes: [] }));
  });

  it('that is over goes to the next run, journal and all; the old one notices and touches nothing', async () => {
    agoMs = 62_000;
    const old = await take('old', { clock: suspended });
    await old.record(() => ({ volumes: ['vol-1'] }));
    agoMs = 0;
    const next = await take('next');
    expect(next.inherited).toMatchObject({ journal: { volumes: ['vol-1'] } });
    expect(next.inherited?.ageMs).toBeGreaterThan(60_000);
    next.note(() => ({ volumes: [] }));
    expect(old.lost.aborted).toBe(false);
    await expect(old.confirm()).rejects.toMatchObject({ code: 'claimed-elsewhere' });
    expect(old.lost.reason).toMatchObject({ code: 'claimed-elsewhere', message: /another run has taken it/ });
    await old[Symbol.asyncDispose]();
    expect(await content()).toMatchObject({ runId: 'next' });
    await next[Symbol.asyncDispose]();
  });

  it('that is over is had by one of ten that take it at once', async () => {
    agoMs = 62_000;
    const old = await take('old', { clock: suspended });
    agoMs = 0;
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => take(`run-${index}`)));
    const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(held).toHaveLength(1);
    await old[Symbol.asyncDispose]();
    await held[0]?.[Symbol.asyncDispose]();
  });

  it('of a run that is known to be dead is taken at once', async () => {
    const old = await take('old', { clock: suspended });
    await expect(take('next', { isDead: (identity) => identity === 'other' })).rejects.toMatchObject({
      code: 'claimed-elsewhere',
    });
    await using next = await take('next', { isDead: (identity) => identity === 'old' });
    expect(next.inherited?.journal).toEqual({ volumes: [] });
    await old[Symbol.asyncDispose]();
    expect(await content()).toMatchObject({ runId: 'next' });
  });

  it('is renewed by itself, so that nobody takes it while its run lives', async () => {
    await using lease = await take('run', { lifetimeMs: 300 });
    await systemClock.sleep(700);
    expect((await content()).turn).toBeGreaterThanOrEqual(4);
    expect(lease.lost.aborted).toBe(false);
  });

  it('is lost when S3 does not take its renewals for its lifetime', async () => {
    const lease = await take('run', { lifetimeMs: 300 });
    let refused = 0;
    store.client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName !== 'PutObjectCommand') return next(args);
        refused += 1;
        return Promise.reject(Object.assign(new Error('no'), { name: 'ServiceUnavailable', $metadata: {} }));
      },
      { step: 'finalizeRequest', name: 'fault', override: true },
    );
    await new Promise((resolve) => lease.lost.addEventListener('abort', resolve, { once: true }));
    expect(refused).toBeGreaterThan(1);
    expect(lease.lost.reason).toMatchObject({ code: 'claimed-elsewhere', message: /could not be renewed/ });
    await lease[Symbol.asyncDispose]();
    store.client.middlewareStack.remove('fault');
    // Nobody removed it: the next one would have to wait, or find it over.
    expect(await keys()).toEqual([key]);
    await systemClock.sleep(2500);
    await (await take('next', { lifetimeMs: 300 }))[Symbol.asyncDispose]();
  });

  it.each([1, 2])('is known for our own when the answers of %i writes are lost', async (count) => {
    const fault = losingAnswers(count);
    await using lease = await take('run');
    await lease.record(() => ({ volumes: ['vol-1'] }));
    expect(fault.fired).toBe(count);
    expect((await content()).journal.volumes).toEqual(['vol-1']);
    lease.note(() => ({ volumes: [] }));
  });

  it.each([
    ['for the first time', undefined],
    ['after another run', { volumes: ['vol-1'] }],
  ])('that is being taken %s when its run is interrupted is given back', async (_, left) => {
    await leaveBehind(left);
    const interruption = new AbortController();
    store.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== 'PutObjectCommand') return next(args);
        const result = await next(args);
        // S3 has done it, and its answer is on its way.
        interruption.abort();
        await systemClock.sleep(20);
        return result;
      },
      { step: 'finalizeRequest', name: 'fault', override: true },
    );
    await expect(take('run', { signal: interruption.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(interruption.signal.aborted).toBe(true);
    store.client.middlewareStack.remove('fault');
    if (left === undefined) return;
    expect(await content()).toMatchObject({ ended: true, journal: left });
    await expectInherited(left);
  });

  it.each([
    ['for the first time', undefined],
    ['after another run', { volumes: ['vol-1'] }],
  ])('that is taken %s with no answer ever is given back', async (_, left) => {
    await leaveBehind(left);
    const fault = losingAnswers(12);
    await expect(take('run')).rejects.toMatchObject({ code: 'unavailable' });
    expect(fault.fired).toBeGreaterThanOrEqual(12);
    store.client.middlewareStack.remove('fault');
    if (left === undefined) return;
    await expectInherited(left);
  });

  it('whose journal was written without an answer ever goes on from there, and is given back', async () => {
    const lease = await take('run');
    const fault = losingAnswers(12);
    await expect(lease.record(() => ({ volumes: ['vol-1'] }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(fault.fired).toBe(12);
    await lease.record(() => ({ volumes: ['vol-2'] }));
    expect(await content()).toMatchObject({ runId: 'run', journal: { volumes: ['vol-2'] } });
    const again = losingAnswers(12);
    await expect(lease.record(() => ({ volumes: [] }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(again.fired).toBe(12);
    expect(lease.lost.aborted).toBe(false);
    await lease[Symbol.asyncDispose]();
  });

  it('object that is none of ours is left alone, with a sentence', async () => {
    await store.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: 'a note' }));
    await expect(take('run')).rejects.toMatchObject({ code: 'rejected', message: /is not a lease of this tool/ });
    await store.client.send(new DeleteObjectCommand({ Bucket: 'bucket', Key: key }));
  });
});
