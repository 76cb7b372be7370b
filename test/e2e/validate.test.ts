import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fillFilesystem } from '../../sandbox/seed/index.js';
import { run, runText } from '../../src/process/index.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';
import { makeMoreAwkwardFiles } from '../support/more-awkward-files.js';

// Archives are made and validated by the real command, on the local AWS.

let aws: LocalAws;
beforeAll(async () => {
  aws = await localAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(async () => {
  aws.faults.clear();
  const left = await aws.leftovers();
  await aws.removeVolumes();
  expect(left).toEqual([]);
});

const content = { realMiB: 6, realFrom: 0.3, awkward: true, sparseGiB: 0, smallFiles: 20 };

async function awkwardSnapshot(type: 'ext4' | 'xfs' | 'btrfs' = 'ext4'): Promise<string> {
  return aws.snapshot((device) =>
    filesystemOn(device, type, async (path) => {
      await fillFilesystem(path, content);
      await makeMoreAwkwardFiles(path);
    }),
  );
}

const said = ({ stdout, stderr }: Finished): string => stdout + stderr;

async function command(name: string, bucket: string, ...argv: readonly string[]): Promise<Finished> {
  return aws.command([name, '--bucket', bucket, '--json', ...argv]);
}

const findings = ({ events }: Finished) => events.filter(({ kind }) => kind === 'finding');

describe('validate, against the snapshot', () => {
  it.each([
    ['ext4', 'lz4', []],
    ['xfs', 'zstd', []],
    ['btrfs', 'lz4', []],
    ['ext4', 'zstd', ['--dd']],
  ] as const)('of %s with %s %j: finds it the same, and says so by the tag', async (type, codec, more) => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot(type);
    const migrated = await command('migrate', bucket, '--snapshots', id, '--compression', codec, ...more);
    expect(migrated.status, said(migrated)).toBe(0);
    const validated = await command('validate', bucket, '--all');
    expect(validated.status, said(validated)).toBe(0);
    expect(findings(validated)).toEqual([]);
    expect(validated.events.find(({ kind }) => kind === 'object-validated')).toMatchObject({
      object: { findings: 0, compared: expect.stringContaining('checksums of S3, manifest, index') },
    });
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'validated' });
  });

  it('right after migrating: on the same volume', async () => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot();
    const finished = await aws.command(['--migrate', '--validate', '--all', '--bucket', bucket, '--json']);
    expect(finished.status, said(finished)).toBe(0);
    expect(finished.events.filter(({ stage }) => stage === 'creating-volume')).toHaveLength(1);
    expect(finished.events.at(-1)).toMatchObject({ kind: 'run-finished', archived: 1, validated: [id], failed: [] });
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'validated' });
  });

  it('right after migrating, where the archive is damaged: migrated, and the kept volume is for the next run', async () => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot();
    const fault = aws.faults.add({
      operation: 's3:GetObject',
      fault: { kind: 'flipped-bit' },
      where: { key: '*.tar.lz4' },
    });
    const failed = await command('migrate', bucket, '--validate', '--snapshots', id, '--keep-temp-volumes');
    fault.remove();
    expect(fault.fired).toBeGreaterThan(1);
    expect(failed.status, said(failed)).toBe(1);
    expect(findings(failed)).toMatchObject([{ problem: 'damaged' }]);
    expect(failed.events.at(-1)).toMatchObject({ archived: 1, validated: [], failed: [{ snapshotId: id }] });
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.volumes()).toHaveLength(1);
    const validated = await aws.command(['--validate', '--one', '--bucket', bucket, '--json']);
    expect(validated.status, said(validated)).toBe(0);
    expect(validated.events.filter(({ stage }) => stage === 'reusing-volume')).toHaveLength(1);
    // The kept one of the snapshot is gone.
    expect(await aws.leftovers()).toEqual([]);
    // What is validated is so once more, when it is named.
    const again = await command('validate', bucket, '--snapshots', id);
    expect(again.status, said(again)).toBe(0);
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'validated' });
  });

  it('that is ended, killed or overtaken -> not validated; the next run cleans up and validates', async () => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot();
    const migrated = await command('migrate', bucket, '--snapshots', id);
    expect(migrated.status, said(migrated)).toBe(0);
    const at = async (stage: string, then: (kill: (signal: NodeJS.Signals) => void) => void) => {
      let reached = 0;
      const finished = await aws.command(['validate', '--snapshots', id, '--bucket', bucket, '--json'], {
        onEvent: (event, kill) => {
          if (event.stage !== stage) return;
          reached += 1;
          then(kill);
        },
      });
      expect(reached).toBe(1);
      return finished;
    };

    const ended = await at('validating', (kill) => kill('SIGINT'));
    expect(ended.status, said(ended)).toBe(130);
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.leftovers()).toEqual([]);

    const others = { 'snap-to-s3': 'validating', 'snap-to-s3-id': 'another' };
    const Tags = Object.entries(others).map(([Key, Value]) => ({ Key, Value }));
    let tagged: Promise<unknown> = Promise.resolve();
    const overtaken = await at('creating-volume', () => {
      tagged = aws.ec2.send(new CreateTagsCommand({ Resources: [id], Tags }));
    });
    await tagged;
    expect(overtaken.status, said(overtaken)).toBe(1);
    expect(overtaken.events.find(({ kind }) => kind === 'snapshot-failed')?.error?.code).toBe('claimed-elsewhere');
    expect(overtaken.events.some(({ kind }) => kind === 'snapshot-validated')).toBe(false);
    expect(await aws.tags(id)).toEqual(others);
    expect(await aws.leftovers()).toEqual([]);

    await aws.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'snap-to-s3-id' }] }));
    const killed = await at('validating', (kill) => kill('SIGKILL'));
    expect(killed.status).toBe(null);
    expect((await aws.tags(id))['snap-to-s3']).toBe('validating');
    const next = await command('validate', bucket, '--all');
    expect(next.status, said(next)).toBe(0);
    expect(next.events.at(-1)).toMatchObject({ validated: [id] });
    expect(await aws.tags(id)).toEqual({ 'snap-to-s3': 'validated' });
  });

  it('goes on after a snapshot that fails, and ends with two lists', async () => {
    const bucket = await aws.bucket();
    const [bad, good] = [await awkwardSnapshot(), await awkwardSnapshot()];
    await command('migrate', bucket, '--snapshots', bad, good);
    const key = (await aws.keys(bucket)).find((one) => one.includes(bad) && one.endsWith('.tar.lz4')) ?? '';
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'not an archive' }));
    const validated = await aws.command(['validate', '--all', '--bucket', bucket]);
    expect(validated.status, said(validated)).toBe(3);
    expect(validated.stderr).toContain(`${bad}: failed: The archive of ${bad} is not what it should be`);
    expect(validated.stderr).toContain(`${good}: validated`);
    expect(await aws.tags(bad)).toEqual({ 'snap-to-s3': 'migrated' });
    expect(await aws.tags(good)).toEqual({ 'snap-to-s3': 'validated' });
  });

  it('of a disk with partitions, each against its own archive', async () => {
    const bucket = await aws.bucket();
    const fill = async (path: string, realFrom: number): Promise<void> => {
      await fillFilesystem(path, { ...content, realFrom });
    };
    const id = await aws.snapshot(async (device) => {
      const disk = (await runText(['realpath', device])).trim();
      const input = 'label: gpt\nsize=100MiB\nsize=100MiB\nsize=100MiB\n';
      await run(['sfdisk', '--quiet', '--no-reread', disk], { input });
      await run(['partx', '--update', disk]);
      await filesystemOn(`${disk}p1`, 'ext4', (path) => fill(path, 0.4));
      await filesystemOn(`${disk}p2`, 'ext4', (path) => fill(path, 0.1));
      await filesystemOn(`${disk}p3`, 'ext4', (path) => fill(path, 0.6));
    });
    const migrated = await command('migrate', bucket, '--snapshots', id);
    expect(migrated.status, said(migrated)).toBe(0);
    const validated = await command('validate', bucket, '--snapshots', id);
    expect(validated.status, said(validated)).toBe(0);
    expect(validated.events.filter(({ kind }) => kind === 'object-validated')).toHaveLength(3);
  });
});

describe('validate, against the index', () => {
  it('proves archives without the snapshot, without EC2, without root', async () => {
    const bucket = await aws.bucket();
    const ids = [await awkwardSnapshot(), await awkwardSnapshot()];
    await command('migrate', bucket, '--snapshots', ids[0] ?? '');
    await command('migrate', bucket, '--snapshots', ids[1] ?? '', '--dd');
    const finished = await aws.command(['validate', '--against', 'index', '--all', '--bucket', bucket, '--json'], {
      env: { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:9', HOME: '/', TMPDIR: '/tmp' },
      uid: 65_534,
    });
    expect(finished.status, said(finished)).toBe(0);
    expect(finished.events.at(-1)).toMatchObject({ validated: expect.arrayContaining(ids), failed: [] });
    // It has not seen the snapshot.
    expect(await aws.tags(ids[0] ?? '')).toEqual({ 'snap-to-s3': 'migrated' });
  });

  it('writes all that is wrong into the report', async () => {
    const bucket = await aws.bucket();
    const id = await awkwardSnapshot();
    await command('migrate', bucket, '--snapshots', id);
    const key = (await aws.keys(bucket)).find((one) => one.endsWith('.index.jsonl.gz')) ?? '';
    await aws.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'no index' }));
    const report = join(aws.folder, 'report.jsonl');
    const finished = await command('validate', bucket, '--against', 'index', '--snapshots', id, '--report', report);
    expect(finished.status, said(finished)).toBe(1);
    const lines = (await readFile(report, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ snapshotId: id, problem: 'damaged', text: expect.stringContaining('index') }),
    ]);
  });
});
