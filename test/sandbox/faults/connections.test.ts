import { setTimeout as sleep } from 'node:timers/promises';
import { CreateVolumeCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, get, put } from '../s3/support.js';
import { presignedTarget } from '../../support/presigned.js';
import { faultySandbox, onTheWire, type FaultySandbox } from './support.js';

const request = (line: string, body = ''): string => {
  const [method = '', path = ''] = line.split(' ');
  const target = presignedTarget({ method, path, host: 'localhost' });
  return `${method} ${target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};

async function keys({ s3 }: FaultySandbox): Promise<readonly (string | undefined)[]> {
  return ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key);
}

describe('a reset connection', () => {
  it('before the work: no byte of an answer, a reset, and no object', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'reset' }, times: 1 });
    expect(await onTheWire(sandbox.url, request(`PUT /${Bucket}/key`, 'text'))).toEqual({ text: '', ended: 'reset' });
    expect(fault.fired).toBe(1);
    expect(await keys(sandbox)).toEqual([]);
    await put(sandbox.s3, 'key');
    expect(await keys(sandbox)).toEqual(['key']);
  });

  it('after the work: no byte of an answer, a reset, and the object is there', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'reset', when: 'after' }, times: 1 });
    expect(await onTheWire(sandbox.url, request(`PUT /${Bucket}/key`, 'text'))).toEqual({ text: '', ended: 'reset' });
    expect(fault.fired).toBe(1);
    expect((await get(sandbox.s3, 'key')).toString()).toBe('text');
  });

  it('after the work of an answer with a long body: none of it comes', async () => {
    const sandbox = await faultySandbox();
    await put(sandbox.s3, 'key', { Body: Buffer.alloc(3 * 1024 ** 2) });
    const fault = sandbox.faults.add({ operation: 's3:GetObject', fault: { kind: 'reset', when: 'after' } });
    expect(await onTheWire(sandbox.url, request(`GET /${Bucket}/key`))).toEqual({ text: '', ended: 'reset' });
    expect(fault.fired).toBe(1);
  });

  it('the SDK tells it as ECONNRESET, from EC2 as well; CreateVolume has or has not made a volume', async () => {
    const { ec2, faults } = await faultySandbox();
    const volumes = async () => (await ec2.send(new DescribeVolumesCommand({}))).Volumes?.length;
    const create = new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 1 });
    const before = faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'reset', when: 'before' }, times: 1 });
    await expect(ec2.send(create)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([before.fired, await volumes()]).toEqual([1, 1]);
    const after = faults.add({ operation: 'ec2:CreateVolume', fault: { kind: 'reset', when: 'after' }, times: 1 });
    await expect(ec2.send(create)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([after.fired, await volumes()]).toEqual([1, 2]);
  });

  it('an upload that is reset before its body has come leaves nothing behind, and is no defect', async () => {
    const sandbox = await faultySandbox();
    sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'reset' }, times: 1 });
    await expect(put(sandbox.s3, 'key', { Body: Buffer.alloc(8 * 1024 ** 2) })).rejects.toThrow(/ECONNRESET|EPIPE/);
    expect(await keys(sandbox)).toEqual([]);
    expect(sandbox.notices).toEqual([]);
  });
});

describe('a request that hangs', () => {
  it('gets its answer late, after ms', async () => {
    const sandbox = await faultySandbox();
    await put(sandbox.s3, 'key', { Body: 'text' });
    const fault = sandbox.faults.add({ operation: 's3:GetObject', fault: { kind: 'hang', ms: 300 }, times: 1 });
    const startedMs = performance.now();
    expect((await get(sandbox.s3, 'key')).toString()).toBe('text');
    expect(performance.now() - startedMs).toBeGreaterThan(290);
    expect(fault.fired).toBe(1);
  });

  it('is not done while it hangs, and is when the fault is removed', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'hang' } });
    const putting = put(sandbox.s3, 'key');
    await fault.hasFired();
    await sleep(50);
    expect(await keys(sandbox)).toEqual([]);
    fault.remove();
    await putting;
    expect(await keys(sandbox)).toEqual(['key']);
  });

  it('whose client gives up is never done', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'hang' } });
    const wire = onTheWire(sandbox.url, request(`PUT /${Bucket}/key`, 'text'));
    await fault.hasFired();
    wire.socket.destroy();
    await sleep(50);
    fault.remove();
    await sleep(50);
    expect(await keys(sandbox)).toEqual([]);
    expect(sandbox.notices).toEqual([]);
  });

  it('after the work is done at once, and answered when it is over', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: 's3:PutObject', fault: { kind: 'hang', when: 'after' } });
    let isAnswered = false;
    const putting = put(sandbox.s3, 'key').then(() => (isAnswered = true));
    await fault.hasFired();
    expect(await keys(sandbox)).toEqual(['key']);
    await sleep(50);
    expect(isAnswered).toBe(false);
    fault.remove();
    expect(await putting).toBe(true);
  });

  it('does not keep the sandbox from ending: its connection is reset', async () => {
    const sandbox = await faultySandbox();
    const fault = sandbox.faults.add({ operation: '*', fault: { kind: 'hang' }, times: 2 });
    const before = put(sandbox.s3, 'key');
    const failed = expect(before).rejects.toMatchObject({ code: 'ECONNRESET' });
    await fault.hasFired();
    const startedMs = performance.now();
    await sandbox.close();
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    await failed;
  });
});
