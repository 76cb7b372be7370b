import { GetObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, failsWith, useSandbox } from './support.js';

const s3 = useSandbox();

describe('conditions', () => {
  it('If-None-Match: * creates and does not replace', async () => {
    await s3.put('lease', 'a', { IfNoneMatch: '*' });
    await expect(s3.put('lease', 'b', { IfNoneMatch: '*' })).rejects.toMatchObject(
      failsWith('PreconditionFailed', 412),
    );
    expect((await s3.get('lease')).toString()).toBe('a');
  });

  it('If-Match replaces what one has read and nothing else', async () => {
    const { ETag } = await s3.put('cas', 'a');
    await s3.put('cas', 'b', { IfMatch: ETag });
    await expect(s3.put('cas', 'c', { IfMatch: ETag })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await expect(s3.put('not there', 'c', { IfMatch: ETag })).rejects.toMatchObject(failsWith('NoSuchKey', 404));
    expect((await s3.get('cas')).toString()).toBe('b');
  });

  it('of twenty that create at once exactly one succeeds', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => s3.put('race', `writer ${n}`, { IfNoneMatch: '*' })),
    );
    const won = results.flatMap((result, n) => (result.status === 'fulfilled' ? [n] : []));
    expect(won).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') {
        expect(['PreconditionFailed', 'ConditionalRequestConflict']).toContain((result.reason as Error).name);
      }
    }
    expect((await s3.get('race')).toString()).toBe(`writer ${won[0] ?? ''}`);
  });

  it('of reads answer 304 and 412', async () => {
    const { ETag } = await s3.put('conditional read', 'x');
    const read = (more: object) => s3.client.send(new GetObjectCommand({ Bucket, Key: 'conditional read', ...more }));
    await expect(read({ IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: expect.objectContaining({ httpStatusCode: 304 }),
    });
    await expect(read({ IfMatch: '"other"' })).rejects.toMatchObject(failsWith('PreconditionFailed', 412));
    await read({ IfMatch: ETag });
  });
});
