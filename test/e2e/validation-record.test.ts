import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteSnapshotCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/process/index.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// That an archive was validated lies beside it, and is shown also when the snapshot and its tag are gone.

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  const left = await aws.leftovers();
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const fill = (path: string): Promise<void> => writeFile(join(path, 'file'), 'content');
const takeSnapshot = (): Promise<string> => aws.snapshot((device) => filesystemOn(device, 'ext4', fill));
const today = new RegExp(`^${new Date().toISOString().slice(0, 8)}\\d\\d`);
const ending = async (end: string): Promise<string> => (await aws.keys(bucket)).find((key) => key.endsWith(end)) ?? '';
const command = async (...argv: readonly string[]): Promise<Finished> => {
  const finished = await aws.command([...argv, '--bucket', bucket]);
  expect(finished.status, finished.stdout + finished.stderr).toBe(0);
  return finished;
};

/** What `list` and `inspect` show of the only archive in the bucket. */
async function shown(id: string) {
  const [text, json, inspected, inspectedJson] = [
    await command('list'),
    await command('list', '--json'),
    await command('inspect', id),
    await command('inspect', id, '--json'),
  ];
  const [heading = '', line = '', ...rest] = text.stdout.split('\n');
  expect(rest).toEqual(['1 archive.', '']);
  const at = heading.indexOf('validated');
  const [record, inspectedRecord] = [json, inspectedJson].map(
    ({ stdout }) => JSON.parse(stdout) as { readonly validatedAt: unknown },
  );
  expect(inspectedRecord?.validatedAt).toBe(record?.validatedAt);
  return {
    column: line.slice(at, at + 10).trim(),
    isAligned: line.slice(at - 2, at) === '  ' && heading.indexOf('in EBS') === line.search(/(exists|gone)/),
    line,
    validatedAt: record?.validatedAt,
    inspected: /^validated: +(.*)$/m.exec(inspected.stdout)?.[1],
  };
}

const listing = async () => {
  const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key: key, Size: storedBytes, ETag: etag }) => ({ key, storedBytes, etag }));
};
const readRecord = async (): Promise<Record<string, unknown>> => {
  const Key = await ending('.validated.json');
  const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? '') as Record<string, unknown>;
};

describe('the record of a validation', () => {
  it('names what was validated, and outlasts the snapshot; an archive that is made anew is not validated', async () => {
    bucket = await aws.bucket();
    const id = await takeSnapshot();
    await command('migrate', '--snapshots', id);
    const before = await shown(id);
    expect(before).toMatchObject({ column: '-', validatedAt: null, inspected: 'there is no record of it' });
    await command('validate', '--snapshots', id);
    const objects = (await listing()).filter(({ key }) => key?.endsWith('.validated.json') === false);
    expect(objects).toHaveLength(3);
    const record = await readRecord();
    expect(record).toMatchObject({ format: 'snap-to-s3-validation', version: 1, snapshotId: id });
    expect(record).toMatchObject({ tool: { name: 'snap-to-s3' }, validatedAt: expect.stringMatching(today) });
    expect([...(record.objects as typeof objects)].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))).toEqual(
      objects,
    );
    const head = await aws.s3.send(
      new HeadObjectCommand({ Bucket: bucket, Key: await ending('.validated.json'), ChecksumMode: 'ENABLED' }),
    );
    expect(head).toMatchObject({ ChecksumCRC32: expect.stringMatching(/^.{6}==$/), ContentType: 'application/json' });

    // Made anew, with the record still there.
    await command('migrate', '--snapshots', id);
    const again = await shown(id);
    expect(again).toMatchObject({ column: '-', validatedAt: null, inspected: expect.stringMatching(/^not as it is/) });
    expect(again.line).toContain('(changed since it was validated)');

    await command('validate', '--snapshots', id);
    await aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    const gone = await shown(id);
    expect(gone).toMatchObject({
      column: expect.stringMatching(today),
      isAligned: true,
      validatedAt: (await readRecord()).validatedAt,
      inspected: expect.stringMatching(/, against the snapshot$/),
    });
    expect(gone.line).toMatch(/ gone$/);
    // What reads archives takes it for nothing else.
    const indexed = await command('validate', '--against', 'index', '--all', '--json');
    expect(indexed.events.at(-1)).toMatchObject({ kind: 'run-finished', validated: [id], failed: [] });
    expect(indexed.events.filter(({ kind }) => kind === 'notice')).toEqual([]);
    await command('restore', id, '--to-directory', join(aws.folder, 'restored'));
    await command('cleanup');
    expect(await shown(id)).toEqual(gone);
  });

  it('of an archive of which something was overwritten, taken away or added is not believed', async () => {
    bucket = await aws.bucket();
    const id = await takeSnapshot();
    await command('migrate', '--validate', '--snapshots', id, '--sse', 'AES256');
    const Key = await ending('.tar.lz4');
    const recordHead = await aws.s3.send(
      new HeadObjectCommand({ Bucket: bucket, Key: await ending('.validated.json') }),
    );
    expect(recordHead).toMatchObject({ ServerSideEncryption: 'AES256' });
    const column = async (): Promise<string> => (await shown(id)).column;
    expect(await column()).toMatch(today);
    const { Body } = await aws.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    const put = (key: string, body: Buffer) =>
      aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    await put(Key, damaged);
    expect(await shown(id)).toMatchObject({ column: '-', validatedAt: null });
    await put(Key, bytes);
    expect(await column()).toMatch(today);
    const other = Key.replace('.tar.lz4', '.7.tar.lz4');
    await put(other, bytes);
    expect(await column()).toBe('-');
    await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: other }));
    expect(await column()).toMatch(today);
    await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: await ending('.index.jsonl.gz') }));
    expect(await column()).toBe('-');
  });

  it('that is frozen, damaged or another snapshot’s is no failure, and "yes" remains where only the tag knows', async () => {
    bucket = await aws.bucket();
    const id = await takeSnapshot();
    await command('migrate', '--validate', '--snapshots', id);
    const Key = await ending('.validated.json');
    const CopySource = encodeURI(`${bucket}/${Key}`).replaceAll('+', '%2B');
    await aws.s3.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource, StorageClass: 'GLACIER' }));
    expect(await shown(id)).toMatchObject({
      column: '-',
      validatedAt: null,
      inspected: expect.stringMatching(/^unknown: .*GLACIER/),
    });
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '{' }));
    expect(await shown(id)).toMatchObject({ validatedAt: null, inspected: expect.stringContaining('is not JSON') });
    const other = { format: 'snap-to-s3-validation', version: 1, tool: { name: 'x', version: '1' } };
    const Body = JSON.stringify({ ...other, validatedAt: new Date().toISOString(), snapshotId: 'snap-1', objects: [] });
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    expect(await shown(id)).toMatchObject({
      validatedAt: null,
      inspected: expect.stringContaining('another snapshot'),
    });
    await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    expect(await shown(id)).toMatchObject({ column: 'yes', isAligned: true, validatedAt: null });
  });

  it('is written for an archive of the existing tool too; validating against the index writes none', async () => {
    bucket = await aws.bucket();
    let archive: Buffer = Buffer.alloc(0);
    const id = await aws.snapshot((device) =>
      filesystemOn(device, 'ext4', async (path) => {
        await fill(path);
        archive = await run(['bash', '-o', 'pipefail', '-ec', 'tar -c . | lz4 -1 -q'], { cwd: path });
      }),
    );
    const { Snapshots: [snapshot] = [] } = await aws.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    const stem = `${snapshot?.VolumeId ?? ''}/${snapshot?.StartTime?.toISOString().slice(0, 19) ?? ''}+00:00 ${id}`;
    const Key = `${stem} - the description.tar.lz4`;
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: archive }));
    await command('validate', '--snapshots', id);
    expect(await aws.keys(bucket)).toEqual([Key, `${stem}.validated.json`].sort());
    expect((await readRecord()).objects).toMatchObject([{ key: Key, storedBytes: archive.length }]);
    await aws.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    expect(await shown(id)).toMatchObject({ column: expect.stringMatching(today), isAligned: true });
    // Alone it is no archive.
    await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    expect((await command('list')).stdout).not.toContain(id);

    bucket = await aws.bucket();
    const another = await takeSnapshot();
    await command('migrate', '--snapshots', another);
    const keys = await aws.keys(bucket);
    await command('validate', '--against', 'index', '--snapshots', another);
    expect(await aws.keys(bucket)).toEqual(keys);
  });
});
