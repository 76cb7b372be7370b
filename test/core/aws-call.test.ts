import { describe, expect, it } from 'vitest';
import {
  callAws,
  createPace,
  credentialsRenewal,
  steadyCredentials,
  systemClock,
  type AwsRetry,
  type RetryPolicy,
} from '../../src/core/index.js';
import { fakeClock } from './fake-clock.js';

const call = { action: 's3:PutObject', resource: 's3://bucket/key' };
const policy: RetryPolicy = { attempts: 3, firstPauseMs: 1, longestPauseMs: 2, totalMs: 10_000, attemptMs: 50 };
const said = (name: string, headers: Readonly<Record<string, string>> = {}) =>
  Object.assign(new Error(`said ${name}`), { name, $metadata: { httpStatusCode: 400 }, $response: { headers } });
const never = (): Promise<never> => new Promise(() => undefined);

describe('a call that is never answered', () => {
  it('ends in bounded time, even where the attempt does not heed its signal', async () => {
    let attempts = 0;
    const startedMs = Date.now();
    const hanging = callAws(call, () => ((attempts += 1), never()), { clock: systemClock, policy });
    await expect(hanging).rejects.toMatchObject({
      code: 'unavailable',
      message: 's3:PutObject on s3://bucket/key failed: it was not answered within 50 ms.',
    });
    expect(attempts).toBe(3);
    expect(Date.now() - startedMs).toBeLessThan(2_000);
  });

  it('aborts the attempt, and succeeds with the next one', async () => {
    let aborted = 0;
    const answer = await callAws(
      call,
      async (signal) => {
        if (aborted > 0) return 'answer';
        signal.addEventListener('abort', () => (aborted += 1));
        return never();
      },
      { clock: systemClock, policy },
    );
    expect([answer, aborted]).toEqual(['answer', 1]);
  });

  it('is cancelled at once by its caller, and that is no failure', async () => {
    const cancelling = new AbortController();
    let attempts = 0;
    const cancelled = (): Promise<never> => {
      attempts += 1;
      cancelling.abort();
      return never();
    };
    const hanging = callAws(call, cancelled, { clock: systemClock, policy, signal: cancelling.signal });
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
    expect(attempts).toBe(1);
  });

  it('has the time for its body at 32 KiB/s besides', async () => {
    const slow = (): Promise<string> => systemClock.sleep(150).then(() => 'sent');
    const options = { clock: systemClock, policy: { ...policy, attempts: 1 } };
    expect(await callAws({ ...call, bodyBytes: 32 * 1024 }, slow, options)).toBe('sent');
    await expect(callAws(call, slow, options)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('does not go on beyond the total time, whatever one attempt may take', async () => {
    const hanging = callAws(call, never, {
      clock: systemClock,
      policy: { ...policy, attemptMs: 60_000, totalMs: 100 },
    });
    await expect(hanging).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('throttling', () => {
  it('is waited for much longer than other failures, and not for ever', async () => {
    const clock = fakeClock();
    let attempts = 0;
    const throttled = callAws(call, () => ((attempts += 1), Promise.reject(said('SlowDown'))), {
      clock,
      policy: { attempts: 3, firstPauseMs: 200, longestPauseMs: 20_000, totalMs: 600_000 },
    });
    await expect(throttled).rejects.toMatchObject({ code: 'throttled', hint: expect.stringContaining('quieter') });
    expect(attempts).toBeGreaterThan(50);
    expect(clock.now()).toBeGreaterThan(25 * 60_000);
    expect(clock.now()).toBeLessThanOrEqual(30 * 60_000);
  });

  it('does not use up the patience for other failures', async () => {
    const answers = [...Array.from({ length: 8 }, () => 'SlowDown'), 'InternalError', 'SlowDown', 'InternalError'];
    const options = { clock: fakeClock(), policy };
    const send = (): Promise<string> => {
      const next = answers.shift();
      return next === undefined ? Promise.resolve('done') : Promise.reject(said(next));
    };
    expect(await callAws(call, send, options)).toBe('done');
  });

  it('waits as long as the answer asks for', async () => {
    const clock = fakeClock();
    let attempts = 0;
    await callAws(
      call,
      () => (++attempts === 1 ? Promise.reject(said('SlowDown', { 'retry-after': '7' })) : Promise.resolve()),
      { clock, policy },
    );
    expect(clock.slept).toEqual([7_000]);
  });
});

describe('the pace', () => {
  const callsIn = async (ms: number, pace: ReturnType<typeof createPace>, clock: ReturnType<typeof fakeClock>) => {
    const until = clock.now() + ms;
    let calls = 0;
    for (; clock.now() < until; calls += 1) {
      await pace.turn('s3:PutObject');
      pace.answered('s3:PutObject');
      await clock.sleep(10);
    }
    return calls;
  };

  it('halves when AWS says to slow down, recovers, and is none in the end', async () => {
    const clock = fakeClock();
    const pace = createPace(clock);
    const free = await callsIn(10_000, pace, clock);
    pace.throttled('s3:PutObject');
    const slowed = await callsIn(2_000, pace, clock);
    await callsIn(100_000, pace, clock);
    const recovered = await callsIn(10_000, pace, clock);
    expect(free).toBe(1_000);
    expect(slowed).toBeLessThanOrEqual(110);
    expect(slowed).toBeGreaterThan(80);
    expect(recovered).toBe(1_000);
  });

  it('counts what was under way together once, and never falls below a call in two seconds', async () => {
    const clock = fakeClock();
    const pace = createPace(clock);
    for (let n = 0; n < 100; n += 1) await pace.turn('k');
    for (let n = 0; n < 100; n += 1) pace.throttled('k');
    const startedMs = clock.now();
    for (let n = 0; n < 51; n += 1) await pace.turn('k');
    expect(clock.now() - startedMs).toBeLessThanOrEqual(1_100);
    for (let n = 0; n < 20; n += 1) {
      await clock.sleep(1_001);
      pace.throttled('k');
    }
    const slowestMs = clock.now();
    for (let n = 0; n < 10; n += 1) await pace.turn('k');
    expect(clock.now() - slowestMs).toBeLessThanOrEqual(20_100);
    expect(clock.now() - slowestMs).toBeGreaterThan(15_000);
  });

  it('of one action leaves others alone', async () => {
    const clock = fakeClock();
    const pace = createPace(clock);
    pace.throttled('ec2:CreateVolume');
    await pace.turn('s3:PutObject');
    expect(clock.slept).toEqual([]);
    await pace.turn('ec2:CreateVolume');
    expect(clock.slept).toEqual([250]);
  });

  it('is kept by all calls that share it', async () => {
    const clock = fakeClock();
    const pace = createPace(clock);
    let attempts = 0;
    const options = { clock, policy, pace };
    await callAws(call, () => (++attempts === 1 ? Promise.reject(said('SlowDown')) : Promise.resolve()), options);
    const before = clock.slept.length;
    await callAws(call, () => Promise.resolve(), options);
    expect(clock.slept.slice(before)).not.toEqual([]);
  });
});

describe('credentials that are over', () => {
  it('are renewed before the next attempt, whatever their own end says', async () => {
    let renewed = 0;
    const answer = await callAws(
      call,
      () => (renewed === 0 ? Promise.reject(said('ExpiredToken')) : Promise.resolve('done')),
      { clock: fakeClock(), policy, renewCredentials: () => Promise.resolve(++renewed > 0) },
    );
    expect([answer, renewed]).toEqual(['done', 1]);
  });

  it('and cannot be renewed fail after a few attempts with what to do', async () => {
    let attempts = 0;
    const failing = callAws(call, () => ((attempts += 1), Promise.reject(said('ExpiredToken'))), {
      clock: fakeClock(),
      policy: { ...policy, attempts: 10 },
      renewCredentials: () => Promise.resolve(false),
    });
    await expect(failing).rejects.toMatchObject({
      code: 'credentials',
      hint: expect.stringContaining('Get new ones'),
      details: { action: 's3:PutObject', resource: 's3://bucket/key' },
    });
    expect(attempts).toBe(3);
  });
});

describe('credentials whose source is away', () => {
  const refused = Object.assign(new Error('Could not load credentials from any providers'), {
    name: 'CredentialsProviderError',
  });
  const keys = { accessKeyId: 'AKIA' };

  it('are waited for as long as any other failure, once there were some', async () => {
    let asked = 0;
    const provider = steadyCredentials(
      () => ((asked += 1), asked === 1 ? Promise.resolve(keys) : Promise.reject(refused)),
      {
        profile: 'p',
      },
    );
    await provider();
    let attempts = 0;
    const failing = callAws(call, () => ((attempts += 1), provider()), {
      clock: fakeClock(),
      policy: { ...policy, attempts: 7 },
      renewCredentials: credentialsRenewal(provider),
    });
    await expect(failing).rejects.toMatchObject({
      code: 'credentials',
      message: expect.stringContaining('new ones cannot be had: Could not load credentials'),
    });
    expect(attempts).toBe(7);
  });

  it('are none at first: that is final', async () => {
    let attempts = 0;
    const provider = steadyCredentials(() => ((attempts += 1), Promise.reject(refused)), { profile: 'p' });
    const failing = callAws(call, () => provider(), {
      clock: fakeClock(),
      policy,
      renewCredentials: credentialsRenewal(provider),
    });
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('No AWS credentials were found') });
    expect(attempts).toBe(1);
  });

  it('and are denied now -> that is final, too', async () => {
    const denial = Object.assign(new Error('Not authorized to perform sts:AssumeRoleWithWebIdentity'), {
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    });
    let asked = 0;
    const provider = steadyCredentials(
      () => ((asked += 1), asked === 1 ? Promise.resolve(keys) : Promise.reject(denial)),
      {
        profile: 'p',
      },
    );
    await provider();
    const failing = callAws(call, () => provider(), { clock: fakeClock(), policy });
    await expect(failing).rejects.toMatchObject({
      code: 'access-denied',
      hint: expect.stringMatching(/^Allow sts:AssumeRoleWithWebIdentity in the trust policy/),
    });
    expect(asked).toBe(2);
  });
});

describe('a retry', () => {
  it('is told, with the call, the reason and the pause', async () => {
    const told: AwsRetry[] = [];
    let attempts = 0;
    await callAws(call, () => (++attempts < 3 ? Promise.reject(said('InternalError')) : Promise.resolve()), {
      clock: fakeClock(),
      policy,
      onRetry: (retry) => told.push(retry),
    });
    expect(told).toMatchObject([
      { call, attempt: 1, pauseMs: expect.any(Number), error: { code: 'unavailable' } },
      { call, attempt: 2 },
    ]);
  });
});
