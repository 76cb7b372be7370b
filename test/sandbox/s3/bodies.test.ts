import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, failsWith, useSandbox } from './support.js';

const s3 = useSandbox();

describe('checksums', () => {
  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME'] as const)(
    '%s is verified, kept and given back',
    async (algorithm) => {
      await s3.put('checksum', 'hello', { ChecksumAlgorithm: algorithm });
      const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'checksum', ChecksumMode: 'ENABLED' }));
      expect(head[`Checksum${algorithm}`]).toMatch(/=$/);
      expect(head.ChecksumType).toBe('FULL_OBJECT');
      // A valid sum of something else.
      await s3.put('other', 'other', { ChecksumAlgorithm: algorithm });
      const other = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'other', ChecksumMode: 'ENABLED' }));
      const wrong = { [`Checksum${algorithm}`]: other[`Checksum${algorithm}`] };
      await expect(s3.put('checksum', 'hello!', wrong)).rejects.toMatchObject(failsWith('BadDigest', 400));
      expect((await s3.get('checksum')).toString()).toBe('hello');
    },
  );

  it('in the trailer of a stream are verified too', async () => {
    const body = randomBytes(3_000_000);
    const pieces = [body.subarray(0, 7), body.subarray(7, 2_000_000), body.subarray(2_000_000)];
    await s3.put('stream', Readable.from(pieces), { ContentLength: body.length, ChecksumAlgorithm: 'CRC32' });
    expect((await s3.get('stream')).equals(body)).toBe(true);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'stream' }));
    expect(head.ContentEncoding).toBeUndefined();
  });

  it('damaged on the way -> BadDigest, and nothing is stored', async () => {
    const chunked = (data: string, crc: string) =>
      `${data.length.toString(16)}\r\n${data}\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`;
    const send = (body: string, decodedLength: number) =>
      fetch(`${s3.url}/bucket/damaged`, {
        method: 'PUT',
        body,
        headers: {
          'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          'x-amz-trailer': 'x-amz-checksum-crc32',
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(decodedLength),
        },
      });
    const good = 'y/Q5Jg=='; // CRC-32 of "123456789"
    const damaged = await send(chunked('123456780', good), 9);
    expect([damaged.status, await damaged.text()]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')]);
    const short = await send(chunked('123456789', good).slice(0, 8), 9);
    expect([short.status, await short.text()]).toEqual([400, expect.stringContaining('<Code>IncompleteBody</Code>')]);
    await expect(s3.get('damaged')).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    expect((await send(chunked('123456789', good), 9)).status).toBe(200);
    expect((await s3.get('damaged')).toString()).toBe('123456789');
  });

  it('by Content-MD5 and x-amz-content-sha256 are verified', async () => {
    const send = async (headers: Record<string, string>) => {
      const answer = await fetch(`${s3.url}/bucket/md5`, { method: 'PUT', body: 'hello', headers });
      return [answer.status, /<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1]];
    };
    const md5 = createHash('md5').update('hello').digest('base64');
    expect(await send({ 'content-md5': md5 })).toEqual([200, undefined]);
    expect(await send({ 'content-md5': createHash('md5').digest('base64') })).toEqual([400, 'BadDigest']);
    expect(await send({ 'content-md5': 'nonsense' })).toEqual([400, 'InvalidDigest']);
    expect(await send({ 'x-amz-content-sha256': '0'.repeat(64) })).toEqual([400, 'XAmzContentSHA256Mismatch']);
  });
});
