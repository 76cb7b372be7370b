import { writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import type { Fault, InjectedFault } from '../../sandbox/faults/index.js';
import { poll, systemClock } from '../../src/core/index.js';
import { filesystemOn, type LocalAws } from '../support/local-aws.js';
import { decompressed, extracted, sha256Of } from '../support/read-archive.js';

/** Every call that `migrate` makes when nothing goes wrong. */
export const operations = {
  describing: ['ec2:DescribeSnapshots', 'ec2:DescribeVolumes', 'ec2:DescribeInstanceAttribute'],
  changing: [
    'ec2:CreateTags',
    'ec2:CreateVolume',
    'ec2:AttachVolume',
    'ec2:DetachVolume',
    'ec2:DeleteVolume',
    'ec2:DeleteTags',
  ],
  storing: ['s3:CreateMultipartUpload', 's3:UploadPart', 's3:CompleteMultipartUpload', 's3:PutObject'],
  leasing: ['s3:DeleteObject', 's3:ListObjectsV2', 's3:ListMultipartUploads'],
  /** Their answers have no body. */
  asking: ['s3:HeadBucket', 's3:HeadObject'],
} as const;

/** All of them. */
export const allOperations: readonly string[] = Object.values(operations).flat();

/** A snapshot whose archive takes several parts, and what is in it. */
export interface Subject {
  readonly snapshotId: string;
  readonly bucket: string;
  /** SHA-256 of its file `random`. */
  readonly sha256: string;
}

/** Makes one. */
export async function subject(aws: LocalAws, bucket: string): Promise<Subject> {
  const bytes = randomBytes(13 * 1024 * 1024);
  const path = join(aws.folder, `random-${bucket}`);
  await writeFile(path, bytes);
  const snapshotId = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', (mountedAt) => writeFile(join(mountedAt, 'random'), bytes)),
  );
  return { snapshotId, bucket, sha256: await sha256Of(path) };
}

/** Nothing is archived of it or under way, and its tag is `migrate`: what a run before has archived proves nothing of the next. */
export async function startAnew(aws: LocalAws, { snapshotId, bucket: Bucket }: Subject): Promise<void> {
  const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key } of Contents) await aws.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const { Uploads = [] } = await aws.s3.send(new ListMultipartUploadsCommand({ Bucket }));
  for (const { Key, UploadId } of Uploads) {
    await aws.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }
  await aws.ec2.send(new DeleteTagsCommand({ Resources: [snapshotId], Tags: [{ Key: 'snap-to-s3-id' }] }));
  const Tags = [{ Key: 'snap-to-s3', Value: 'migrate' }];
  await aws.ec2.send(new CreateTagsCommand({ Resources: [snapshotId], Tags }));
}

/** The archive of a subject is what its disk was, and everything else is as after an undisturbed run. */
export async function expectArchived(aws: LocalAws, { snapshotId, bucket, sha256 }: Subject): Promise<void> {
  const keys = await aws.keys(bucket);
  const archive = keys.find((key) => key.includes(snapshotId) && key.endsWith('.tar.lz4'));
  expect(keys.some((key) => key.endsWith(`${snapshotId}.manifest.json`))).toBe(true);
  const tar = await decompressed(await aws.download(bucket, archive ?? ''), 'lz4');
  expect(await sha256Of(join(await extracted(tar), 'random'))).toBe(sha256);
  expect(await aws.tags(snapshotId)).toEqual({ 'snap-to-s3': 'migrated' });
  // The kernel lets go of a loop device when the last of those who look at new disks has closed it.
  const gone = async () => ((await aws.leftovers()).length === 0 ? true : undefined);
  await poll(gone, { clock: systemClock, intervalMs: 50, timeoutMs: 5_000 }).catch(() => undefined);
  expect(await aws.leftovers()).toEqual([]);
}

/** The same fault, once, at each of these operations. */
export function once(aws: LocalAws, names: readonly string[], fault: Fault): readonly InjectedFault[] {
  return names.map((operation) => aws.faults.add({ operation, fault, times: 1 }));
}

/** Those that have not fired; `[]` proves that all have. */
export function spared(faults: readonly InjectedFault[]): readonly string[] {
  return faults
    .filter(({ fired }) => fired === 0)
    .map(({ request }) => `${request.fault.kind} of ${request.operation}`);
}
