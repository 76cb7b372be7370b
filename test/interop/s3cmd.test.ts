import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand, ListBucketsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administrator } from '../../sandbox/iam/index.js';
import { makeAwkwardTree, sha256, writeRandomFile } from './support/awkward-tree.js';
import { contentsOf } from './support/contents.js';
import { interopSandbox, region, type InteropSandbox } from './support/interop-sandbox.js';

let sandbox: InteropSandbox;
let general: readonly string[];
beforeAll(async () => {
  sandbox = await interopSandbox();
  const configuration = sandbox.path('s3cfg');
  const { host } = new URL(sandbox.url);
  await writeFile(
    configuration,
    `[default]
access_key = ${administrator.accessKeyId}
secret_key = ${administrator.secretAccessKey}
bucket_location = ${region}
host_base = ${host}
host_bucket = ${host}
use_https = False
max_retries = 1
`,
  );
  general = ['/usr/bin/s3cmd', '--config', configuration, '--no-progress'];
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const s3cmd = (...words: readonly string[]) => sandbox.text([...general, ...words]);

async function keysOf(Bucket: string): Promise<readonly string[]> {
  const { Contents = [] } = await sandbox.s3.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

describe('s3cmd', () => {
  it('makes a bucket, puts 60 MB into it in parts, gets them back, and says what it knows of them', async () => {
    const bucket = 's3cmd-bucket';
    const [source, target] = [sandbox.path('source'), sandbox.path('target')];
    const expected = await writeRandomFile(source, 60_000_000);
    expect(await s3cmd('mb', `s3://${bucket}`)).toBe(`Bucket 's3://${bucket}/' created\n`);
    await s3cmd('put', '--multipart-chunk-size-mb=5', '--storage-class=STANDARD_IA', source, `s3://${bucket}/big`);
    expect((await sandbox.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'big' }))).ETag).toMatch(/-12"$/);
    await s3cmd('get', `s3://${bucket}/big`, target);
    expect(sha256(await readFile(target))).toBe(expected);

    expect(await s3cmd('ls', `s3://${bucket}`)).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d +60000000 +s3:\/\/s3cmd-bucket\/big\n$/,
    );
    const info = await s3cmd('info', `s3://${bucket}/big`);
    expect(info).toMatch(/^ +File size: 60000000$/m);
    expect(info).toMatch(/^ +Storage: +STANDARD_IA$/m);
    expect(info).toMatch(/^ +SSE: +AES256$/m);
    expect(await s3cmd('info', `s3://${bucket}`)).toMatch(/^ +Location: +us-east-1$/m);
    await s3cmd('del', `s3://${bucket}/big`);
    await s3cmd('rb', `s3://${bucket}`);
    const { Buckets = [] } = await sandbox.s3.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).not.toContain(bucket);
  });

  it('syncs a tree with awkward names up and down, and deletes what is gone', async () => {
    const bucket = await sandbox.bucket();
    const [up, down] = [sandbox.path('up'), sandbox.path('down')];
    // s3cmd itself replaces control characters in names.
    await makeAwkwardTree(up, { withControlCharacters: false });
    const tree = await contentsOf(up);
    await s3cmd('sync', `${up}/`, `s3://${bucket}/t/`);
    expect([...(await keysOf(bucket))].sort()).toEqual([...tree.keys()].map((name) => `t/${name}`).sort());
    await s3cmd('sync', `s3://${bucket}/t/`, `${down}/`);
    expect(await contentsOf(down)).toEqual(tree);

    await rm(join(up, 'plus+and&amp;<tag>'));
    await s3cmd('sync', '--delete-removed', `${up}/`, `s3://${bucket}/t/`);
    expect(await keysOf(bucket)).toHaveLength(tree.size - 1);
    expect(await keysOf(bucket)).not.toContain('t/plus+and&amp;<tag>');
  });

  it('copies, moves and deletes', async () => {
    const bucket = await sandbox.bucket();
    const file = sandbox.path('file');
    await writeFile(file, 'content');
    await s3cmd('put', '--add-header=x-amz-meta-mine:1', '--mime-type=text/x-mine', file, `s3://${bucket}/one é+&`);
    await s3cmd('cp', `s3://${bucket}/one é+&`, `s3://${bucket}/two`);
    await s3cmd('mv', `s3://${bucket}/two`, `s3://${bucket}/three`);
    expect(await keysOf(bucket)).toEqual(['one é+&', 'three']);
    expect(await sandbox.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'three' }))).toMatchObject({
      ContentLength: 7,
      ContentType: 'text/x-mine',
      Metadata: { mine: '1' },
    });
    await s3cmd('del', '--recursive', '--force', `s3://${bucket}`);
    expect(await keysOf(bucket)).toEqual([]);
  });

  it('signs URLs with version 2, which S3 no longer takes', async () => {
    const bucket = await sandbox.bucket();
    const url = (await s3cmd('signurl', `s3://${bucket}/any`, '+600')).trim();
    expect(new URL(url).searchParams.get('AWSAccessKeyId')).toBe(administrator.accessKeyId);
    const answer = await fetch(url);
    expect([answer.status, /<Code>(.*)<\/Code>/.exec(await answer.text())?.[1]]).toEqual([400, 'InvalidRequest']);
  });

  it('is refused to remove a bucket with something in it, and to get what is not there', async () => {
    const bucket = await sandbox.bucket();
    const file = sandbox.path('file');
    await writeFile(file, 'content');
    await s3cmd('put', file, `s3://${bucket}/in the way`);
    const full = await sandbox.attempt([...general, 'rb', `s3://${bucket}`]);
    expect([full.status, full.stderr]).toEqual([13, expect.stringContaining('409 (BucketNotEmpty)')]);
    const missing = await sandbox.attempt([...general, 'get', `s3://${bucket}/none`, sandbox.path('none')]);
    expect([missing.status, missing.stderr]).toEqual([64, expect.stringContaining('does not exist')]);
  });
});
