import { readFile, writeFile } from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsCli, type AwsCli } from './support/aws-cli.js';
import { sha256 } from './support/awkward-tree.js';
import { interopSandbox, type InteropSandbox } from './support/interop-sandbox.js';

const MiB = 1024 ** 2;

let sandbox: InteropSandbox;
let aws: AwsCli;
let file: string;
const content = randomBytes(1_000);
beforeAll(async () => {
  sandbox = await interopSandbox();
  aws = awsCli(sandbox);
  file = sandbox.path('content');
  await writeFile(file, content);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

/** `aws s3api <operation> --bucket <bucket> --key <key> …`. */
const onObject = (operation: string, [bucket, key]: readonly [string, string], ...more: readonly string[]) => [
  's3api',
  operation,
  '--bucket',
  bucket,
  '--key',
  key,
  ...more,
];

describe('aws s3api, an upload in parts by hand', () => {
  it('is listed in pages, completed with checksums, and read part by part', async () => {
    const object = [await sandbox.bucket(), 'in parts'] as const;
    const [bucket] = object;
    const parts = [randomBytes(5 * MiB), content];
    const paths = await Promise.all(
      parts.map(async (part, index) => {
        const path = sandbox.path(`part-${index}`);
        await writeFile(path, part);
        return path;
      }),
    );
    const uploadId = await aws.value(
      onObject('create-multipart-upload', object, '--checksum-algorithm', 'SHA256'),
      'UploadId',
    );
    const upload = ['--upload-id', uploadId];
    expect(await aws.json(['s3api', 'list-multipart-uploads', '--bucket', bucket])).toMatchObject({
      Uploads: [{ UploadId: uploadId, Key: 'in parts', ChecksumAlgorithm: 'SHA256' }],
    });

    const checksums = parts.map((part) => Buffer.from(sha256(part), 'hex').toString('base64'));
    const sent = await Promise.all(
      paths.map((path, index) =>
        aws.json(
          onObject(
            'upload-part',
            object,
            ...upload,
            '--part-number',
            `${index + 1}`,
            '--body',
            path,
            '--checksum-algorithm',
            'SHA256',
          ),
        ),
      ),
    );
    expect(sent).toEqual(checksums.map((ChecksumSHA256) => expect.objectContaining({ ChecksumSHA256 }) as unknown));

    const first = await aws.json(onObject('list-parts', object, ...upload, '--page-size', '1', '--max-items', '1'));
    expect(first).toMatchObject({
      Parts: [{ PartNumber: 1, Size: 5 * MiB, ChecksumSHA256: checksums[0] }],
      NextToken: expect.any(String),
    });
    const { NextToken } = first as { NextToken: string };
    const second = ['--page-size', '1', '--starting-token', NextToken];
    expect(await aws.json(onObject('list-parts', object, ...upload, ...second))).toMatchObject({
      Parts: [{ PartNumber: 2, Size: 1_000, ChecksumSHA256: checksums[1] }],
    });

    const list = await aws.value(
      onObject('list-parts', object, ...upload),
      '{Parts: Parts[].{PartNumber: PartNumber, ETag: ETag, ChecksumSHA256: ChecksumSHA256}} | to_string(@)',
    );
    const composite = Buffer.from(
      sha256(Buffer.concat(checksums.map((one) => Buffer.from(one, 'base64')))),
      'hex',
    ).toString('base64');
    const complete = (parts: string, ...more: readonly string[]) =>
      onObject('complete-multipart-upload', object, ...upload, '--multipart-upload', parts, ...more);
    const swapped = JSON.stringify({ Parts: (JSON.parse(list) as { Parts: unknown[] }).Parts.toReversed() });
    await aws.refused(complete(swapped), 'InvalidPartOrder');
    await aws.refused(complete(list, '--checksum-sha256', checksums[0] ?? ''), 'BadDigest');
    expect(await aws.json(complete(list, '--checksum-sha256', composite))).toMatchObject({
      ETag: expect.stringMatching(/^"[0-9a-f]{32}-2"$/),
      ChecksumSHA256: `${composite}-2`,
    });

    const attributes = ['--object-attributes', 'ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];
    expect(await aws.json(onObject('get-object-attributes', object, ...attributes))).toMatchObject({
      ETag: expect.stringMatching(/^[0-9a-f]{32}-2$/),
      // Without the number of parts, which all other answers have.
      Checksum: { ChecksumSHA256: composite },
      ObjectParts: {
        TotalPartsCount: 2,
        IsTruncated: false,
        Parts: [
          { PartNumber: 1, Size: 5 * MiB, ChecksumSHA256: checksums[0] },
          { PartNumber: 2, Size: 1_000, ChecksumSHA256: checksums[1] },
        ],
      },
      StorageClass: 'STANDARD',
      ObjectSize: 5 * MiB + 1_000,
    });
    const target = sandbox.path('part');
    // The client verifies the checksum that it gets.
    const part = ['--part-number', '2', '--checksum-mode', 'ENABLED', target];
    expect(await aws.json(onObject('get-object', object, ...part))).toMatchObject({
      ContentLength: 1_000,
      ContentRange: `bytes ${5 * MiB}-${5 * MiB + 999}/${5 * MiB + 1_000}`,
      ChecksumSHA256: checksums[1],
      PartsCount: 2,
    });
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(await aws.json(onObject('head-object', object, '--part-number', '1'))).toMatchObject({
      ContentLength: 5 * MiB,
      PartsCount: 2,
    });
    await aws.refused(onObject('get-object', object, '--part-number', '3', target), 'InvalidPartNumber');
  });

  it('is refused parts without the checksum that it was begun with, and goes when it is aborted', async () => {
    const object = [await sandbox.bucket(), 'aborted'] as const;
    const uploadId = await aws.value(
      onObject('create-multipart-upload', object, '--checksum-algorithm', 'CRC32C'),
      'UploadId',
    );
    const part = onObject('upload-part', object, '--upload-id', uploadId, '--part-number', '1', '--body', file);
    await aws.refused(part, 'InvalidRequest');
    await aws.refused([...part, '--checksum-algorithm', 'SHA1'], 'InvalidRequest');
    await aws.json([...part, '--checksum-algorithm', 'CRC32C']);
    await aws.json(onObject('abort-multipart-upload', object, '--upload-id', uploadId));
    await aws.refused([...part, '--checksum-algorithm', 'CRC32C'], 'NoSuchUpload');
    expect(await aws.json(['s3api', 'list-multipart-uploads', '--bucket', object[0], '--query', 'Uploads'])).toBeNull();
  });

  it('tells uploads without a checksum algorithm apart, whose parts S3 does not list afterwards', async () => {
    const object = [await sandbox.bucket(), 'plain'] as const;
    const uploadId = await aws.value(onObject('create-multipart-upload', object), 'UploadId');
    const upload = ['--upload-id', uploadId];
    const etag = await aws.value(
      onObject('upload-part', object, ...upload, '--part-number', '7', '--body', file),
      'ETag',
    );
    const parts = JSON.stringify({ Parts: [{ PartNumber: 7, ETag: etag }] });
    await aws.json(onObject('complete-multipart-upload', object, ...upload, '--multipart-upload', parts));
    expect(
      await aws.json(onObject('get-object-attributes', object, '--object-attributes', 'ObjectParts', 'ObjectSize')),
    ).toMatchObject({ ObjectParts: { TotalPartsCount: 1 }, ObjectSize: 1_000 });
  });
});

describe('aws s3api, objects', () => {
  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'])('bear a %s that the client sends and verifies', async (algorithm) => {
    const object = [await sandbox.bucket(), algorithm] as const;
    const stored = (await aws.json(
      onObject('put-object', object, '--body', file, '--checksum-algorithm', algorithm),
    )) as Record<string, string>;
    const checksum = stored[`Checksum${algorithm}`];
    expect(checksum).toMatch(/=$/);
    const target = sandbox.path('got');
    // The client compares what it reads with the checksum, and says which one it found.
    const got = await aws.json(onObject('get-object', object, '--checksum-mode', 'ENABLED', target));
    expect(got).toMatchObject({ [`Checksum${algorithm}`]: checksum, ContentLength: 1_000 });
    expect((await readFile(target)).equals(content)).toBe(true);
    const wrong = [
      `--checksum-${algorithm.toLowerCase().replace('32c', '32-c')}`,
      Buffer.from(checksum ?? '', 'base64')
        .fill(0)
        .toString('base64'),
    ];
    await aws.refused(onObject('put-object', object, '--body', file, ...wrong), 'BadDigest');
  });

  it('are copied with new metadata and tags, tagged, and headed', async () => {
    const bucket = await sandbox.bucket();
    const source = [bucket, 'from ü+'] as const;
    const copy = [bucket, 'copy'] as const;
    await aws.json(
      onObject(
        'put-object',
        source,
        '--body',
        file,
        '--metadata',
        'a=1',
        '--tagging',
        'old=yes',
        '--content-md5',
        md5Of(content),
      ),
    );
    const replaced = [
      '--metadata-directive',
      'REPLACE',
      '--metadata',
      'b=2',
      '--tagging-directive',
      'REPLACE',
      '--tagging',
      'new=a%20b',
    ];
    await aws.json(onObject('copy-object', copy, '--copy-source', source.join('/'), ...replaced));
    expect(await aws.json(onObject('head-object', copy))).toMatchObject({ Metadata: { b: '2' }, ContentLength: 1_000 });
    expect(await aws.json(onObject('get-object-tagging', copy))).toEqual({ TagSet: [{ Key: 'new', Value: 'a b' }] });

    await aws.json(onObject('put-object-tagging', copy, '--tagging', 'TagSet=[{Key=x,Value=y/z}]'));
    expect(await aws.json(onObject('get-object-tagging', copy))).toEqual({ TagSet: [{ Key: 'x', Value: 'y/z' }] });
    await aws.json(onObject('delete-object-tagging', copy));
    expect(await aws.json(onObject('get-object-tagging', copy))).toEqual({ TagSet: [] });
    await aws.refused(
      onObject('put-object-tagging', copy, '--tagging', 'TagSet=[{Key=x,Value=1},{Key=x,Value=2}]'),
      'InvalidTag',
    );
    await aws.refused(onObject('copy-object', copy, '--copy-source', `${bucket}/copy`), 'InvalidRequest');
  });

  it('are read in ranges', async () => {
    const object = [await sandbox.bucket(), 'object'] as const;
    await aws.json(onObject('put-object', object, '--body', file));
    const target = sandbox.path('range');
    expect(await aws.json(onObject('get-object', object, '--range', 'bytes=-10', target))).toMatchObject({
      ContentRange: 'bytes 990-999/1000',
      ContentLength: 10,
    });
    expect((await readFile(target)).equals(content.subarray(990))).toBe(true);
    await aws.refused(onObject('get-object', object, '--range', 'bytes=1000-', target), 'InvalidRange');
  });

  it('are read under conditions', async () => {
    const object = [await sandbox.bucket(), 'object'] as const;
    const target = sandbox.path('conditional');
    const etag = await aws.value(onObject('put-object', object, '--body', file), 'ETag');
    await aws.refused(onObject('get-object', object, '--if-match', '"0"', target), 'PreconditionFailed');
    await aws.refused(onObject('get-object', object, '--if-none-match', etag, target), '304');
  });

  it('are deleted together, whether they were there or not', async () => {
    const bucket = await sandbox.bucket();
    for (const key of ['one', 'two']) await aws.json(onObject('put-object', [bucket, key]));
    const list = (keys: readonly string[], more = '') =>
      aws.json([
        's3api',
        'delete-objects',
        '--bucket',
        bucket,
        '--delete',
        `Objects=[${keys.map((key) => `{Key=${key}}`).join(',')}]${more}`,
      ]);
    expect(await list(['one', 'never'])).toEqual({ Deleted: [{ Key: 'one' }, { Key: 'never' }] });
    expect(await list(['two'], ',Quiet=true')).toBeUndefined();
    expect(await aws.json(['s3api', 'list-objects-v2', '--bucket', bucket, '--query', 'Contents'])).toBeNull();
  });

  it('in GLACIER come back by restore-object', async () => {
    const object = [await sandbox.bucket(), 'object'] as const;
    await aws.json(onObject('put-object', object, '--storage-class', 'GLACIER'));
    await aws.refused(onObject('get-object', object, sandbox.path('frozen')), 'InvalidObjectState');
    const request = 'Days=1,GlacierJobParameters={Tier=Bulk}';
    await aws.text(onObject('restore-object', object, '--restore-request', request));
    expect(await aws.json(onObject('head-object', object))).toMatchObject({ Restore: 'ongoing-request="true"' });
    await aws.refused(onObject('restore-object', object, '--restore-request', request), 'RestoreAlreadyInProgress');
  });

  it('that are not there are refused by the names that S3 has for that', async () => {
    const bucket = await sandbox.bucket();
    await aws.refused(onObject('get-object', [bucket, 'none'], sandbox.path('none')), 'NoSuchKey');
    await aws.refused(onObject('head-object', [bucket, 'none']), '404');
    await aws.refused(['s3api', 'delete-bucket', '--bucket', 'no-such-bucket'], 'NoSuchBucket');
  });
});

describe('aws s3api, buckets', () => {
  it('are created, located, listed and deleted', async () => {
    expect(await aws.json(['s3api', 'create-bucket', '--bucket', 'new-bucket'])).toEqual({ Location: '/new-bucket' });
    expect(await aws.json(['s3api', 'get-bucket-location', '--bucket', 'new-bucket'])).toEqual({
      LocationConstraint: null,
    });
    expect(await aws.json(['s3api', 'list-buckets', '--query', "Buckets[?Name=='new-bucket'].Name"])).toEqual([
      'new-bucket',
    ]);
    await aws.json(['s3api', 'delete-bucket', '--bucket', 'new-bucket']);
    await aws.refused(['s3api', 'create-bucket', '--bucket', 'Bad_Name'], 'InvalidBucketName');
  });
});

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64');
}
