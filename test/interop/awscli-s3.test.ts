import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAwkwardTree, makeOld, sha256, writeRandomFile } from './support/awkward-tree.js';
import { awsCli, type AwsCli } from './support/aws-cli.js';
import { contentsOf } from './support/contents.js';
import { interopSandbox, type InteropSandbox } from './support/interop-sandbox.js';

let sandbox: InteropSandbox;
let aws: AwsCli;
beforeAll(async () => {
  sandbox = await interopSandbox();
  aws = awsCli(sandbox);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const put = (Bucket: string, Key: string, Body = 'x') => sandbox.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const head = (Bucket: string, Key: string) => sandbox.s3.send(new HeadObjectCommand({ Bucket, Key }));

async function keysOf(Bucket: string): Promise<readonly string[]> {
  const { Contents = [] } = await sandbox.s3.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

describe('aws s3', () => {
  it('copies 60 MB from standard input in parts, and back to standard output, byte for byte', async () => {
    const bucket = await sandbox.bucket();
    const file = sandbox.path('random');
    const expected = await writeRandomFile(file, 60_000_000);

    await aws.text(['s3', 'cp', '-', `s3://${bucket}/stream`], { input: createReadStream(file) });

    // The chunks of the command line are 8 MiB.
    expect(await head(bucket, 'stream')).toMatchObject({
      ContentLength: 60_000_000,
      ETag: expect.stringMatching(/^"[0-9a-f]{32}-8"$/),
    });
    expect(sha256(await aws.bytes(['s3', 'cp', `s3://${bucket}/stream`, '-']))).toBe(expected);
  });

  it('downloads 60 MB in ranges that go on at the same time', async () => {
    const bucket = await sandbox.bucket();
    const [source, target] = [sandbox.path('source'), sandbox.path('target')];
    const expected = await writeRandomFile(source, 60_000_000);
    await aws.text(['s3', 'cp', '--quiet', source, `s3://${bucket}/big`]);
    await aws.text(['s3', 'cp', '--quiet', `s3://${bucket}/big`, target]);
    expect(sha256(await readFile(target))).toBe(expected);
  });

  it('syncs a tree with awkward names up and down, and finds nothing more to do', async () => {
    const bucket = await sandbox.bucket();
    const [up, down] = [sandbox.path('up'), sandbox.path('down')];
    await makeAwkwardTree(up);
    const tree = await contentsOf(up);

    const sync = ['s3', 'sync', '--no-progress'];
    await aws.text([...sync, up, `s3://${bucket}/a tree`]);
    expect([...(await keysOf(bucket))].sort()).toEqual([...tree.keys()].map((name) => `a tree/${name}`).sort());
    await aws.text([...sync, `s3://${bucket}/a tree`, down]);

    expect(await contentsOf(down)).toEqual(tree);
    expect(await aws.text([...sync, up, `s3://${bucket}/a tree`])).toBe('');
  });

  it('sync --delete removes what is no longer there, in the bucket and on the disk', async () => {
    const bucket = await sandbox.bucket();
    const folder = sandbox.path('folder');
    await mkdir(folder);
    for (const name of ['kept', 'goes & away', 'goes too']) await writeFile(join(folder, name), name);
    await makeOld(folder);
    await aws.text(['s3', 'sync', '--quiet', folder, `s3://${bucket}`]);

    await rm(join(folder, 'goes & away'));
    expect(await aws.text(['s3', 'sync', '--no-progress', '--delete', folder, `s3://${bucket}`])).toBe(
      `delete: s3://${bucket}/goes & away\n`,
    );
    expect(await keysOf(bucket)).toEqual(['goes too', 'kept']);

    await aws.text(['s3', 'rm', '--quiet', `s3://${bucket}/goes too`]);
    await aws.text(['s3', 'sync', '--quiet', '--delete', `s3://${bucket}`, folder]);
    expect([...(await contentsOf(folder)).keys()]).toEqual(['kept']);
  });

  it('rm --recursive removes what is below a prefix, of several pages, and nothing else', async () => {
    const bucket = await sandbox.bucket();
    const below = Array.from({ length: 130 }, (_, index) => `below/${index}`);
    await Promise.all([...below, 'below', 'belowx', 'other'].map((key) => put(bucket, key)));
    const said = await aws.text(['s3', 'rm', '--recursive', '--page-size', '50', `s3://${bucket}/below/`]);
    expect(said.trimEnd().split('\n')).toHaveLength(130);
    expect(await keysOf(bucket)).toEqual(['below', 'belowx', 'other']);
  });

  it('mv moves an object of several parts between buckets, with its metadata and tags', async () => {
    const [from, to] = [await sandbox.bucket(), await sandbox.bucket()];
    const file = sandbox.path('random');
    const expected = await writeRandomFile(file, 20_000_000);
    const metadata = ['--metadata', 'k1=v1,K2=v 2', '--content-type', 'text/x-special', '--cache-control', 'no-store'];
    await aws.text(['s3', 'cp', '--quiet', file, `s3://${from}/a b`, ...metadata]);
    await aws.text([
      's3api',
      'put-object-tagging',
      '--bucket',
      from,
      '--key',
      'a b',
      '--tagging',
      'TagSet=[{Key=t,Value=1}]',
    ]);

    await aws.text(['s3', 'mv', '--quiet', `s3://${from}/a b`, `s3://${to}/c+d`]);

    expect(await keysOf(from)).toEqual([]);
    expect(await head(to, 'c+d')).toMatchObject({
      ETag: expect.stringMatching(/-3"$/),
      Metadata: { k1: 'v1', k2: 'v 2' },
      ContentType: 'text/x-special',
      CacheControl: 'no-store',
    });
    const { TagSet } = await sandbox.s3.send(new GetObjectTaggingCommand({ Bucket: to, Key: 'c+d' }));
    expect(TagSet).toEqual([{ Key: 't', Value: '1' }]);
    expect(sha256(await aws.bytes(['s3', 'cp', `s3://${to}/c+d`, '-']))).toBe(expected);
  });

  it('gives a storage class, and encryption with a key of KMS', async () => {
    const bucket = await sandbox.bucket();
    const target = `s3://${bucket}/cold`;
    const encryption = ['--sse', 'aws:kms', '--sse-kms-key-id', 'alias/mine'];
    await aws.text(['s3', 'cp', '-', target, '--storage-class', 'STANDARD_IA', ...encryption], { input: 'cold' });
    expect(await head(bucket, 'cold')).toMatchObject({
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: expect.stringContaining('alias/mine'),
    });
  });

  it('presigns a URL that anybody may get, whole and in ranges', async () => {
    const bucket = await sandbox.bucket();
    await put(bucket, 'a b+c/ü?&', 'shared with you');
    const url = (await aws.text(['s3', 'presign', `s3://${bucket}/a b+c/ü?&`, '--expires-in', '600'])).trimEnd();
    expect(await (await fetch(url)).text()).toBe('shared with you');
    const range = await fetch(url, { headers: { range: 'bytes=7-10' } });
    expect([range.status, await range.text()]).toEqual([206, 'with']);
  });

  it('ls shows buckets, objects, common prefixes and sums', async () => {
    const bucket = await sandbox.bucket();
    await put(bucket, 'file', 'x'.repeat(2_500));
    await put(bucket, 'folder/one', '1');
    await put(bucket, 'folder/two', '22');
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
    expect(await aws.text(['s3', 'ls'])).toMatch(new RegExp(`^${time} ${bucket}$`, 'm'));
    expect(await aws.text(['s3', 'ls', `s3://${bucket}`])).toMatch(
      new RegExp(`^ {27}PRE folder/\n${time} {7}2500 file\n$`),
    );
    expect(await aws.text(['s3', 'ls', '--recursive', '--human-readable', '--summarize', `s3://${bucket}`])).toMatch(
      /2\.4 KiB file\n.* 1 Byte folder\/one\n.* 2 Bytes folder\/two\n\nTotal Objects: 3\n {3}Total Size: 2\.4 KiB\n$/,
    );
    // Nothing is found: exit status 1, without an error.
    expect(
      await sandbox.attempt(['/usr/bin/aws', '--endpoint-url', sandbox.url, 's3', 'ls', `s3://${bucket}/none`]),
    ).toMatchObject({
      status: 1,
      stderr: '',
    });
  });

  it('mb makes a bucket, rb refuses while something is in it and removes it by force', async () => {
    const bucket = 'made-by-the-command-line';
    expect(await aws.text(['s3', 'mb', `s3://${bucket}`])).toBe(`make_bucket: ${bucket}\n`);
    await put(bucket, 'in the way');
    const refused = await sandbox.attempt([
      '/usr/bin/aws',
      '--endpoint-url',
      sandbox.url,
      's3',
      'rb',
      `s3://${bucket}`,
    ]);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('(BucketNotEmpty)') });
    await aws.text(['s3', 'rb', '--force', `s3://${bucket}`]);
    const { Buckets = [] } = await sandbox.s3.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).not.toContain(bucket);
  });
});
