import { describe, expect, it } from 'vitest';
import {
  AppError,
  awsFailure,
  callAws,
  formatBytes,
  formatDuration,
  poll,
  printable,
  retrying,
  snapshotId,
  messageOf,
  unfold,
} from '../../src/core/index.js';
import { fakeClock } from './fake-clock.js';

const flaky = () => new AppError('unavailable', 'try again', { retryable: true });
const policy = { attempts: 5, firstPauseMs: 100, longestPauseMs: 1_000, totalMs: 60_000 };

describe('retrying', () => {
  it('tries again after what is known to be retryable, with growing, random pauses', async () => {
    const clock = fakeClock();
    let attempts = 0;
    const result = await retrying(() => (++attempts < 4 ? Promise.reject(flaky()) : Promise.resolve('done')), {
      clock,
      policy,
    });
    expect(result).toBe('done');
    expect(clock.slept).toHaveLength(3);
    for (const [n, ms] of clock.slept.entries()) expect(ms).toBeLessThanOrEqual(100 * 2 ** n);
  });

  it('gives the last error when the attempts are used up', async () => {
    let attempts = 0;
    const failing = retrying(
      () => Promise.reject(new AppError('unavailable', `no ${++attempts}`, { retryable: true })),
      {
        clock: fakeClock(),
        policy,
      },
    );
    await expect(failing).rejects.toMatchObject({ code: 'unavailable', message: 'no 5' });
  });

  it('ends when the total time is over, whatever attempts are left', async () => {
    const clock = fakeClock();
    let attempts = 0;
    const slow = retrying(
      async () => {
        attempts += 1;
        await clock.sleep(25_000);
        throw flaky();
      },
      { clock, policy },
    );
    await expect(slow).rejects.toMatchObject({ code: 'unavailable' });
    expect(attempts).toBe(3);
  });

  it.each([new AppError('access-denied', 'no'), new TypeError('defect')])('fails at once with %s', async (error) => {
    let attempts = 0;
    const failing = retrying(() => (attempts++, Promise.reject(error)), { clock: fakeClock(), policy });
    await expect(failing).rejects.toBe(error);
    expect(attempts).toBe(1);
  });

  it('does not begin once the signal has aborted', async () => {
    const signal = AbortSignal.abort();
    let attempts = 0;
    await expect(retrying(() => Promise.resolve(attempts++), { clock: fakeClock(), policy, signal })).rejects.toThrow();
    expect(attempts).toBe(0);
  });
});

describe('failures of AWS', () => {
  const call = { action: 'ec2:CreateVolume', resource: 'snap-1' };
  const sdkError = (name: string, status: number) =>
    Object.assign(new Error('said AWS.'), { name, $metadata: { httpStatusCode: status, requestId: 'r' } });
  it.each([
    ['RequestLimitExceeded', 503, 'throttled', true],
    ['SlowDown', 503, 'throttled', true],
    ['InternalError', 500, 'unavailable', true],
    ['UnauthorizedOperation', 403, 'access-denied', false],
    ['AccessDenied', 403, 'access-denied', false],
    ['ExpiredToken', 400, 'credentials', true],
    ['SignatureDoesNotMatch', 403, 'credentials', false],
    ['InvalidSnapshot.NotFound', 400, 'not-found', false],
    ['NoSuchKey', 404, 'not-found', false],
    ['InvalidParameterValue', 400, 'rejected', false],
    ['NotImplemented', 501, 'rejected', false],
    ['ECONNRESET', 0, 'unavailable', true],
    ['TimeoutError', 0, 'unavailable', true],
  ] as const)('%s (%d) means %s, retryable: %s', (name, status, code, retryable) => {
    const failure = awsFailure(sdkError(name, status), call);
    expect(failure).toMatchObject({ code, retryable, details: { action: 'ec2:CreateVolume', awsCode: name } });
    expect(failure.message).toBe('ec2:CreateVolume on snap-1 failed: said AWS.');
  });

  it('name the permission that is missing', () => {
    expect(awsFailure(sdkError('UnauthorizedOperation', 403), call).hint).toContain('Allow ec2:CreateVolume on snap-1');
  });

  it('are retried in one place', async () => {
    let attempts = 0;
    const answer = await callAws(
      call,
      () => (++attempts < 3 ? Promise.reject(sdkError('Throttling', 400)) : Promise.resolve(attempts)),
      { clock: fakeClock(), policy },
    );
    expect(answer).toBe(3);
  });
});

describe('waiting', () => {
  it('ends with undefined after its bound, having looked at the very end', async () => {
    const clock = fakeClock();
    const seenAt: number[] = [];
    const look = (): Promise<undefined> => {
      seenAt.push(clock.now());
      return Promise.resolve(undefined);
    };
    expect(await poll<string>(look, { clock, intervalMs: 400, timeoutMs: 1_000 })).toBeUndefined();
    expect(seenAt).toEqual([0, 400, 1_000]);
  });
});

describe('waiting long', () => {
  it('looks less and less often', async () => {
    const clock = fakeClock();
    let looks = 0;
    const look = (): Promise<undefined> => {
      looks += 1;
      return Promise.resolve(undefined);
    };
    await poll(look, { clock, intervalMs: 100, timeoutMs: 60_000 });
    expect(Math.max(...clock.slept)).toBe(1_000);
    expect(looks).toBeLessThan(70);
  });
});

describe('words', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '0.98 KiB'],
    [1_536, '1.50 KiB'],
    [10 * 1024 ** 3, '10.0 GiB'],
    [123 * 1024 ** 2, '123 MiB'],
    [64 * 1024 ** 4, '64.0 TiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [12, '12 ms'],
    [1_500, '1.5 s'],
    [9_990, '10 s'],
    [75_000, '1 min 15 s'],
    [3_660_000, '1 h 1 min'],
    [200_000_000, '2 d 7 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('from disks cannot move the cursor or hide', () => {
    expect(printable('a\u001b[2Jb\nc\u0000\u202ed\u0085')).toBe('a\\u{1b}[2Jb\\nc\\u{0}\\u{202e}d\\u{85}');
    expect(printable('日本語 ünï 🐘')).toBe('日本語 ünï 🐘');
  });
});

describe('errors', () => {
  it('name a bad id and what is expected', () => {
    expect(() => snapshotId('snap-XYZ')).toThrow(
      expect.objectContaining({ code: 'usage', message: '"snap-XYZ" is not a snapshot id.' }),
    );
    for (const bad of ['', 'snap-', 'vol-0123456789abcdef0', 'snap-0123456789abcdef0 ', 'snap-0123456789ABCDEF0']) {
      expect(() => snapshotId(bad)).toThrow();
    }
  });

  it('of disposing do not hide what went wrong first', async () => {
    const boom = (text: string) => ({ [Symbol.asyncDispose]: () => Promise.reject(new Error(text)) });
    const work = async () => {
      await using _outer = boom('outer');
      await using _inner = boom('inner');
      throw new Error('first');
    };
    const error: unknown = await work().catch((thrown: unknown) => thrown);
    expect(unfold(error).map((one) => (one as Error).message)).toEqual(['first', 'inner', 'outer']);
    // `SuppressedError` has no words of its own.
    expect(messageOf(error)).toBe('first inner outer');
  });
});
