import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireThawed } from '../../src/commands/thaw.js';
import { AppError, snapshotId, systemClock, type AppEvent } from '../../src/core/index.js';
import { headObject, requestThaw, type ObjectStore } from '../../src/store/index.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

// What INTELLIGENT_TIERING has archived. The local S3 has none of its archive tiers, but refuses what S3 refuses of them.

const Key = 'vol-0123456789abcdef0/2026-01-01T00:00:00+00:00 snap-0123456789abcdef0.tar.lz4';
let s3: S3Sandbox;
beforeAll(async () => {
  s3 = await s3Sandbox();
  await s3
    .client()
    .send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'archive', StorageClass: 'INTELLIGENT_TIERING' }));
});
afterAll(() => s3[Symbol.asyncDispose]());

const store = (): ObjectStore => ({
  client: s3.client(),
  bucket: 'bucket',
  clock: systemClock,
  temporaryDirectory: '/tmp',
});

it('is asked for without a number of days, which S3 refuses for it', async () => {
  const asked = store();
  const sent: string[] = [];
  asked.client.middlewareStack.add(
    (next) => (args) => {
      sent.push(JSON.stringify(args.input));
      return next(args);
    },
    { step: 'initialize' },
  );
  const object = { key: Key, storageClass: 'INTELLIGENT_TIERING' };
  // It is in no archive tier just now, which is as good as asked for.
  await requestThaw(asked, object, { tier: 'Bulk', days: 7 });
  expect(sent).toHaveLength(1);
  expect(sent[0]).not.toContain('"Days"');
  await expect(requestThaw(asked, { key: Key, storageClass: 'GLACIER' }, { tier: 'Bulk', days: 7 })).rejects.toThrow(
    'Days',
  );
});

it('is told with ways that can be typed, though it has no list price here', async () => {
  const archived = store();
  archived.client.middlewareStack.add(
    (next) => async (args) => {
      const answered = await next(args);
      return { ...answered, output: { ...answered.output, ArchiveStatus: 'DEEP_ARCHIVE_ACCESS' } };
    },
    { step: 'initialize' },
  );
  expect((await headObject(archived, Key)).thaw).toEqual({ kind: 'frozen' });
  const events: AppEvent[] = [];
  const refused = await requireThawed([Key], undefined, {
    store: archived,
    clock: systemClock,
    events: (event) => void events.push(event),
    parallelism: 1,
    gnupgHome: undefined,
    isRoot: false,
    signal: new AbortController().signal,
    snapshotId: snapshotId('snap-0123456789abcdef0'),
  }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(AppError);
  expect(refused).toMatchObject({
    code: 'object-frozen',
    message: expect.stringContaining('INTELLIGENT_TIERING') as unknown,
  });
  expect((refused as AppError).hint).toMatch(/^Ask for them with .*--thaw bulk/);
});
