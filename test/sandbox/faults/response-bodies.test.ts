import { DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { Bucket, get, put } from '../s3/support.js';
import { presignedTarget, presignedUrl } from '../../support/presigned.js';
import { faultySandbox, onTheWire, raw } from './support.js';

const KiB = 1024;
const content = Buffer.from(Array.from({ length: 300 * KiB }, (_, index) => (index * 7) % 251));

/** Bytes that differ, and the bits in which they do. */
function differences(found: Buffer, wanted: Buffer): readonly { readonly at: number; readonly bits: number }[] {
  expect(found).toHaveLength(wanted.length);
  return Array.from(found).flatMap((byte, at) => {
    const changed = byte ^ (wanted[at] ?? 0);
    return changed === 0 ? [] : [{ at, bits: changed.toString(2).replaceAll('0', '').length }];
  });
}

function getOfKey(): string {
  const target = presignedTarget({ method: 'GET', path: `/${Bucket}/key`, host: 'localhost' });
  return `GET ${target} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
}

describe('a truncated answer', () => {
  it('ends after so many bytes, with the connection closed, although content-length said more', async () => {
    const sandbox = await faultySandbox();
    await put(sandbox.s3, 'key', { Body: content });
    const fault = sandbox.faults.add({ operation: 's3:GetObject', fault: { kind: 'truncated', afterBytes: 1000 } });
    const { text, ended } = await onTheWire(sandbox.url, getOfKey());
    const [head = '', ...rest] = text.split('\r\n\r\n');
    expect(head).toContain(`content-length: ${content.length}`);
    expect(Buffer.from(rest.join('\r\n\r\n'), 'latin1')).toEqual(content.subarray(0, 1000));
    expect(ended).toBe('closed');
    expect(fault.fired).toBe(1);
    await expect(get(sandbox.s3, 'key')).rejects.toThrow('aborted');
    expect(fault.fired).toBe(2);
    expect(sandbox.notices).toEqual([]);
  });

  it('may end before the first byte: only the head comes', async () => {
    const sandbox = await faultySandbox();
    await put(sandbox.s3, 'key', { Body: content });
    sandbox.faults.add({ operation: 's3:GetObject', fault: { kind: 'truncated', afterBytes: 0 } });
    const { text } = await onTheWire(sandbox.url, getOfKey());
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  it('that is shorter than the cut is whole, does not count, and is free for the next one', async () => {
    const { s3, faults } = await faultySandbox();
    await put(s3, 'short', { Body: content.subarray(0, 1000) });
    await put(s3, 'long', { Body: content });
    const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'truncated', afterBytes: 1000 }, times: 1 });
    expect(await get(s3, 'short')).toEqual(content.subarray(0, 1000));
    expect(fault.fired).toBe(0);
    await expect(get(s3, 'long')).rejects.toThrow('aborted');
    expect((await get(s3, 'long')).equals(content)).toBe(true);
    expect([fault.met, fault.fired]).toEqual([3, 1]);
  });

  it('of EC2 is no XML any more', async () => {
    const { ec2, faults } = await faultySandbox();
    const fault = faults.add({ operation: 'ec2:DescribeVolumes', fault: { kind: 'truncated', afterBytes: 100 } });
    await expect(ec2.send(new DescribeVolumesCommand({}))).rejects.toThrow('aborted');
    expect(fault.fired).toBe(1);
  });
});

describe('an answer with a flipped bit', () => {
  it('differs in one bit of the byte that was named, and the SDK sees that the checksum is wrong', async () => {
    const { s3, url, faults } = await faultySandbox();
    await put(s3, 'key', { Body: content });
    const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'flipped-bit', atByte: 200 * KiB } });
    const { body, headers } = await raw(presignedUrl(url, 'GET', `/${Bucket}/key`));
    expect(differences(body, content)).toEqual([{ at: 200 * KiB, bits: 1 }]);
    expect(headers['content-length']).toBe(String(content.length));
    expect(fault.fired).toBe(1);
    await expect(get(s3, 'key')).rejects.toThrow(/checksum/i);
    expect(fault.fired).toBe(2);
    fault.remove();
    expect((await get(s3, 'key')).equals(content)).toBe(true);
  });

  it('differs anywhere, at the same places for the same seed and at others for another one', async () => {
    const { s3, url, faults } = await faultySandbox();
    await put(s3, 'key', { Body: content });
    const places = async (seed: number) => {
      const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'flipped-bit' }, seed });
      const found = [];
      for (let n = 0; n < 3; n += 1)
        found.push(...differences((await raw(presignedUrl(url, 'GET', `/${Bucket}/key`))).body, content));
      expect(fault.fired).toBe(3);
      fault.remove();
      return found.map(({ at }) => at);
    };
    const first = await places(1);
    expect(new Set(first).size).toBe(3);
    expect(await places(1)).toEqual(first);
    expect(await places(2)).not.toEqual(first);
  });

  it('that is too short for the byte is whole and does not count', async () => {
    const { s3, faults } = await faultySandbox();
    await put(s3, 'key', { Body: 'text' });
    const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'flipped-bit', atByte: 4 } });
    expect((await get(s3, 'key')).toString()).toBe('text');
    expect([fault.met, fault.fired]).toEqual([1, 0]);
  });
});

describe('a slow answer', () => {
  it('comes as fast as it may, byte for byte the same', async () => {
    const { s3, faults } = await faultySandbox();
    await put(s3, 'key', { Body: content });
    const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 600 * KiB } });
    const startedMs = performance.now();
    expect((await get(s3, 'key')).equals(content)).toBe(true);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(450);
    expect(tookMs).toBeLessThan(10_000);
    expect(fault.fired).toBe(1);
  });

  it('that is fast enough for its speed does not count', async () => {
    const { s3, faults } = await faultySandbox();
    await put(s3, 'key', { Body: 'text' });
    const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 1024 ** 3 } });
    expect((await get(s3, 'key')).toString()).toBe('text');
    expect(fault.fired).toBe(0);
  });

  it('goes on at full speed when the fault is removed', async () => {
    const { s3, faults } = await faultySandbox();
    await put(s3, 'key', { Body: content });
    const fault = faults.add({ operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 10 } });
    const getting = get(s3, 'key');
    await fault.hasFired();
    fault.remove();
    expect((await getting).equals(content)).toBe(true);
  });
});

describe('several faults', () => {
  it('work on the same answer, in the order in which they were added', async () => {
    const { s3, url, faults } = await faultySandbox();
    await put(s3, 'key', { Body: content });
    const flip = faults.add({ operation: 's3:*', fault: { kind: 'flipped-bit', atByte: 7 } });
    const slow = faults.add({ operation: '*', fault: { kind: 'slow', bytesPerSecond: 3 * 1024 * KiB } });
    expect(differences((await raw(presignedUrl(url, 'GET', `/${Bucket}/key`))).body, content)).toEqual([
      { at: 7, bits: 1 },
    ]);
    expect([flip.fired, slow.fired]).toEqual([1, 1]);
  });

  it('a request that the first one has answered never meets the second', async () => {
    const { s3, faults } = await faultySandbox();
    const first = faults.add({ operation: 's3:PutObject', fault: { kind: 'throttled' }, times: 2 });
    const second = faults.add({ operation: 's3:PutObject', fault: { kind: 'internal-error' }, times: 1 });
    const codes = [];
    for (let n = 0; n < 4; n += 1) {
      codes.push(
        await put(s3, 'key').then(
          () => 'done',
          (error: unknown) => (error as Error).name,
        ),
      );
    }
    expect(codes).toEqual(['SlowDown', 'SlowDown', 'InternalError', 'done']);
    expect([first.met, first.fired, second.met, second.fired]).toEqual([4, 2, 2, 1]);
  });
});
