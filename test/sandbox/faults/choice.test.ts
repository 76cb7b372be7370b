import { DescribeVolumesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { FaultRequest } from '../../../sandbox/index.js';
import { get, put } from '../s3/support.js';
import { faultySandbox } from './support.js';

const throttled = { operation: 's3:PutObject', fault: { kind: 'throttled' } } as const;

/** Which of so many requests, one after the other, were struck. */
async function struck(request: (n: number) => Promise<unknown>, requests: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let n = 0; n < requests; n += 1) {
    await request(n).catch(() => found.push(n));
  }
  return found;
}

describe('which requests a fault strikes', () => {
  it('skip spares the first ones, times ends it', async () => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({ ...throttled, skip: 3, times: 2 });
    expect(await struck(() => put(s3, 'key'), 8)).toEqual([3, 4]);
    expect([fault.met, fault.fired]).toEqual([8, 2]);
  });

  it('exactly times of many at once', async () => {
    const { s3, faults } = await faultySandbox();
    // An effect that comes late: all have been chosen when the first one counts.
    const fault = faults.add({ ...throttled, fault: { kind: 'reset', when: 'after' }, times: 5 });
    const all = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => put(s3, `key-${n}`)));
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(5);
    expect([fault.met, fault.fired]).toEqual([20, 5]);
  });

  it('a share of them, the same ones for the same seed, whatever the concurrency', async () => {
    const { s3, faults } = await faultySandbox();
    const share = async (seed: number) => {
      const fault = faults.add({ ...throttled, probability: 0.3, seed });
      const found = await struck(() => put(s3, 'key'), 60);
      fault.remove();
      return found;
    };
    const first = await share(7);
    expect(first.length).toBeGreaterThan(8);
    expect(first.length).toBeLessThan(30);
    expect(await share(7)).toEqual(first);
    expect(await share(8)).not.toEqual(first);
    const fault = faults.add({ ...throttled, probability: 0.3, seed: 7 });
    await Promise.allSettled(Array.from({ length: 60 }, () => put(s3, 'key')));
    expect(fault.fired).toBe(first.length);
  });

  it('a share, and not more often than times', async () => {
    const { s3, faults } = await faultySandbox();
    faults.add({ ...throttled, probability: 0.5, seed: 1, times: 3 });
    expect(await struck(() => put(s3, 'key'), 30)).toHaveLength(3);
  });

  it('those of an operation only, of a service only, or all', async () => {
    const { s3, ec2, faults } = await faultySandbox();
    const describeVolumes = (client: EC2Client) => client.send(new DescribeVolumesCommand({}));
    const both = async (operation: string) => {
      const fault = faults.add({ operation, fault: { kind: 'throttled' } });
      const outcomes = await Promise.allSettled([put(s3, 'key'), get(s3, 'key'), describeVolumes(ec2)]);
      fault.remove();
      return outcomes.map(({ status }) => status === 'rejected');
    };
    await put(s3, 'key');
    expect(await both('s3:PutObject')).toEqual([true, false, false]);
    expect(await both('s3:*Object')).toEqual([true, true, false]);
    expect(await both('s3:*')).toEqual([true, true, false]);
    expect(await both('ec2:Describe*')).toEqual([false, false, true]);
    expect(await both('*')).toEqual([true, true, true]);
  });

  it('those with particulars: a key or its beginning, a bucket, an id', async () => {
    const { s3, ec2, faults } = await faultySandbox();
    faults.add({ ...throttled, where: { bucket: 'bucket', key: 'vol-1/*' } });
    faults.add({ ...throttled, where: { key: 'a\\*b' } });
    faults.add({ ...throttled, where: { bucket: 'other' } });
    const names = ['vol-1/x', 'vol-2/x', 'a*b', 'axb'];
    expect(await struck((n) => put(s3, names[n] ?? ''), names.length)).toEqual([0, 2]);
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
    const VolumeId = Volumes[0]?.VolumeId ?? '';
    const fault = faults.add({ operation: 'ec2:*', fault: { kind: 'throttled' }, where: { resource: VolumeId } });
    await ec2.send(new DescribeVolumesCommand({}));
    await expect(ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).rejects.toThrow();
    await expect(
      ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'volume-id', Values: [VolumeId] }] })),
    ).rejects.toThrow();
    expect([fault.met, fault.fired]).toEqual([2, 2]);
  });
});

describe('the faults of a sandbox', () => {
  it('are listed in their order until they are removed; what they counted stays', async () => {
    const { s3, faults } = await faultySandbox();
    const first = faults.add(throttled);
    const second = faults.add({ operation: '*', fault: { kind: 'hang', ms: 0 } });
    expect(faults.list()).toEqual([first, second]);
    await expect(put(s3, 'key')).rejects.toThrow();
    first.remove();
    first.remove();
    expect(faults.list()).toEqual([second]);
    await put(s3, 'key');
    expect([first.fired, second.fired]).toEqual([1, 1]);
    faults.clear();
    expect(faults.list()).toEqual([]);
    await put(s3, 'key');
    expect(second.fired).toBe(1);
  });

  it('who waits for one to fire learns that it was removed', async () => {
    const { faults } = await faultySandbox();
    const fault = faults.add(throttled);
    const waiting = expect(fault.hasFired(2)).rejects.toThrow(
      'The fault throttled of s3:PutObject was removed after it had fired 0 of 2 times.',
    );
    fault.remove();
    await waiting;
  });

  it.each<[string, unknown, RegExp, RegExp]>([
    [
      'an operation that is not there',
      { ...throttled, operation: 's3:PutObjec' },
      /no operation "s3:PutObjec"/,
      /There are: .*s3:PutObject,/,
    ],
    [
      'one with other letters',
      { ...throttled, operation: 's3:putobject' },
      /no operation/,
      /^Do you mean s3:PutObject\?$/,
    ],
    [
      'one without its service',
      { ...throttled, operation: 'PutObject' },
      /no operation/,
      /^Do you mean s3:PutObject\?$/,
    ],
    ['a service that is not there', { ...throttled, operation: 'glacier:*' }, /no operation/, /services are .*s3/],
    [
      'a kind that is not there',
      { operation: '*', fault: { kind: 'slow-down' } },
      /"slow-down" is not a kind/,
      /The kinds are: throttled, .*late/,
    ],
    ['no kind', { operation: '*', fault: {} }, /"" is not a kind/, /The kinds are/],
    [
      'a parameter that is not there',
      { operation: '*', fault: { kind: 'reset', ms: 3 } },
      /The fault reset has no parameter ms/,
      /It has: when/,
    ],
    ['one of the request', { ...throttled, every: 3 }, /A fault has no parameter every/, /It has: .*times/],
    [
      'a missing parameter',
      { operation: 's3:*', fault: { kind: 'slow' } },
      /The fault slow needs bytesPerSecond/,
      /It has: bytesPerSecond, body/,
    ],
    [
      'a wrong value',
      { operation: '*', fault: { kind: 'reset', when: 'later' } },
      /^when must be before or after, not "later"/,
      /^$/,
    ],
    ['times 0', { ...throttled, times: 0 }, /^times must be at least 1, not 0/, /^$/],
    ['a half', { ...throttled, skip: 0.5 }, /^skip must be a whole number, not 0.5/, /^$/],
    ['probability 0', { ...throttled, probability: 0 }, /^probability must be more than 0, not 0/, /^$/],
    ['a share of 20', { ...throttled, probability: 20 }, /^probability must be at most 1, not 20/, /^$/],
    [
      'late for S3',
      { operation: 's3:*', fault: { kind: 'late', ms: 1 } },
      /s3:\* cannot have the fault late/,
      /It is for ec2:AttachVolume,/,
    ],
    [
      'a body of HEAD',
      { operation: 's3:HeadObject', fault: { kind: 'truncated', afterBytes: 1 } },
      /s3:HeadObject cannot have the fault truncated/,
      /s3:GetObject/,
    ],
    [
      'the other body',
      { operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 1, body: 'request' } },
      /cannot have the fault slow of the request body/,
      /s3:UploadPart/,
    ],
    [
      'an EC2 request',
      { operation: 'ec2:*', fault: { kind: 'flipped-bit', body: 'request' } },
      /cannot have/,
      /s3:UploadPart/,
    ],
    [
      'stuck where nothing goes on',
      { operation: 'ec2:DescribeVolumes', fault: { kind: 'stuck' } },
      /cannot have/,
      /ec2:AttachVolume/,
    ],
    [
      'error-in-200 elsewhere',
      { operation: 's3:PutObject', fault: { kind: 'error-in-200' } },
      /cannot have/,
      /s3:CompleteMultipartUpload/,
    ],
    [
      'a particular that is not there',
      { ...throttled, where: { volume: 'x' } },
      /cannot be told apart by volume/,
      /bucket, key/,
    ],
  ])('%s is refused at once', async (_, request, message, hint) => {
    const { faults } = await faultySandbox();
    let thrown: unknown;
    try {
      faults.add(request as FaultRequest);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'usage', message: expect.stringMatching(message) });
    expect((thrown as { hint?: string }).hint ?? '').toMatch(hint);
    expect(faults.list()).toEqual([]);
  });

  it('a wildcard with a fault that some operations can have strikes those', async () => {
    const { s3, faults } = await faultySandbox();
    const fault = faults.add({ operation: 's3:*', fault: { kind: 'truncated', afterBytes: 1, body: 'response' } });
    await put(s3, 'key', { Body: 'text' });
    await expect(get(s3, 'key')).rejects.toThrow('aborted');
    expect([fault.met, fault.fired]).toEqual([1, 1]);
  });
});
