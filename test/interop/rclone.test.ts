import { createReadStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { HeadBucketCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAwkwardTree, sha256, writeRandomFile } from './support/awkward-tree.js';
import { awsHosts, type AwsHosts } from './support/aws-hosts.js';
import { contentsOf } from './support/contents.js';
import { interopSandbox, region, type InteropSandbox, type RunOptions } from './support/interop-sandbox.js';

const MiB = 1024 ** 2;

let sandbox: InteropSandbox;
let hosts: AwsHosts;
beforeAll(async () => {
  sandbox = await interopSandbox();
  hosts = await awsHosts(sandbox.url);
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

/** A remote that is nowhere configured. For the provider AWS rclone puts the bucket into the host name, always. */
const remote = (path: string) =>
  `:s3,provider=AWS,env_auth=true,region=${region},endpoint='http://s3.${region}.amazonaws.com':${path}`;

function rclone(words: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const once = ['--config', '/dev/null', '--retries', '1', '--low-level-retries', '1'];
  const environment = { ...options.environment, HTTP_PROXY: hosts.url };
  return sandbox.run(['/usr/bin/rclone', ...once, ...words], { ...options, environment });
}

interface Listed {
  readonly Path: string;
  readonly Size: number;
  readonly ModTime: string;
  readonly Hashes?: { readonly md5?: string };
}

const list = async (path: string) =>
  JSON.parse((await rclone(['lsjson', '--hash', '--recursive', '--files-only', remote(path)])).toString()) as Listed[];

const small = ['--s3-upload-cutoff', '8M', '--s3-chunk-size', '5M'];

describe('rclone', () => {
  it('copies a tree with awkward names and a file of many parts up, checks it by its bytes, and copies it down', async () => {
    const bucket = await sandbox.bucket();
    const [up, down] = [sandbox.path('up'), sandbox.path('down')];
    await makeAwkwardTree(up);
    await writeRandomFile(join(up, 'big'), 60_000_000);
    const tree = await contentsOf(up);

    await rclone(['copy', ...small, up, remote(`${bucket}/a tree`)]);

    await rclone(['check', '--download', up, remote(`${bucket}/a tree`)]);
    const head = { Bucket: bucket, Key: 'a tree/big' };
    expect(await sandbox.s3.send(new HeadObjectCommand(head))).toMatchObject({
      ETag: expect.stringMatching(/-12"$/),
      // Where rclone keeps what an object of several parts has no ETag for.
      Metadata: { md5chksum: expect.stringMatching(/==$/), mtime: expect.stringMatching(/^\d+\.\d+$/) },
    });
    await rclone(['copy', remote(`${bucket}/a tree`), down]);
    expect(await contentsOf(down)).toEqual(tree);
    expect([...hosts.hosts]).toContain(`${bucket}.s3.${region}.amazonaws.com`);
  });

  it('syncs, which deletes what is gone, and lists names, times and MD5 as they were', async () => {
    const bucket = await sandbox.bucket();
    const folder = sandbox.path('folder');
    await makeAwkwardTree(folder, { withControlCharacters: false });
    await rclone(['sync', folder, remote(bucket)]);
    await rm(join(folder, 'plain.txt'));
    await writeFile(join(folder, 'new'), 'new');
    await rclone(['sync', folder, remote(bucket)]);

    const contents = await contentsOf(folder);
    const listed = await list(bucket);
    expect(listed.map(({ Path }) => Path).sort()).toEqual([...contents.keys()].sort());
    expect(listed.find(({ Path }) => Path === 'empty')).toMatchObject({
      Size: 0,
      ModTime: '2001-09-09T01:46:40.123000000Z',
      Hashes: { md5: createHash('md5').digest('hex') },
    });
    expect(listed.find(({ Path }) => Path === 'new')?.Hashes).toEqual({
      md5: createHash('md5').update('new').digest('hex'),
    });
  });

  it('copies and moves within the bucket, whole and in parts, without the bytes coming by', async () => {
    const bucket = await sandbox.bucket();
    const file = sandbox.path('random');
    const expected = await writeRandomFile(file, 20 * MiB);
    await rclone(['copyto', ...small, file, remote(`${bucket}/one é+`)]);
    await rclone(['moveto', remote(`${bucket}/one é+`), remote(`${bucket}/two`)]);
    await rclone(['copyto', '--s3-copy-cutoff', '8M', ...small, remote(`${bucket}/two`), remote(`${bucket}/three`)]);
    const listed = await list(bucket);
    expect(listed.map(({ Path, Size }) => [Path, Size])).toEqual([
      ['three', 20 * MiB],
      ['two', 20 * MiB],
    ]);
    const head = { Bucket: bucket, Key: 'three' };
    expect((await sandbox.s3.send(new HeadObjectCommand(head))).ETag).toMatch(/-3"$/);
    expect(sha256(await rclone(['cat', remote(`${bucket}/three`)]))).toBe(expected);
  });

  it('writes a stream whose length nobody knows, and reads a piece of it', async () => {
    const bucket = await sandbox.bucket();
    const file = sandbox.path('random');
    const expected = await writeRandomFile(file, 20_000_000);
    const chunks = ['--streaming-upload-cutoff', '1M', '--s3-chunk-size', '5M'];
    await rclone(['rcat', ...chunks, remote(`${bucket}/stream`)], { input: createReadStream(file) });
    const whole = await rclone(['cat', remote(`${bucket}/stream`)]);
    expect(sha256(whole)).toBe(expected);
    const piece = await rclone(['cat', '--offset', '12345678', '--count', '1000', remote(`${bucket}/stream`)]);
    expect(piece.equals(whole.subarray(12_345_678, 12_346_678))).toBe(true);
  });

  it('changes the time of an object by a copy onto itself, and purges the bucket', async () => {
    const bucket = await sandbox.bucket();
    await rclone(['rcat', '--s3-storage-class', 'STANDARD_IA', remote(`${bucket}/folder/object`)], { input: 'x' });
    const touch = ['touch', '--no-create', '--timestamp', '2005-03-18T01:58:31.5'];
    await rclone([...touch, remote(`${bucket}/folder/object`)]);
    expect(await list(bucket)).toMatchObject([{ Path: 'folder/object', ModTime: '2005-03-18T01:58:31.500000000Z' }]);
    const head = { Bucket: bucket, Key: 'folder/object' };
    const { Metadata, StorageClass } = await sandbox.s3.send(new HeadObjectCommand(head));
    expect(Metadata).toEqual({ mtime: '1111111111.5' });
    // rclone names no storage class in the copy, and a copy does not take that of its source: it is STANDARD now.
    expect(StorageClass).toBeUndefined();
    await rclone(['purge', remote(bucket)]);
    await expect(sandbox.s3.send(new HeadBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });
});
