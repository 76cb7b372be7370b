import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteSnapshotCommand,
  EBSClient,
  GetSnapshotBlockCommand,
  ListSnapshotBlocksCommand,
  PutSnapshotBlockCommand,
  StartSnapshotCommand,
  type Block,
  type CompleteSnapshotCommandInput,
  type ListSnapshotBlocksCommandOutput,
  type PutSnapshotBlockCommandInput,
  type StartSnapshotCommandInput,
} from '@aws-sdk/client-ebs';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { onTestFinished } from 'vitest';
import { createEbsService, noQuotas, type EbsOptions } from '../../../sandbox/ebs/index.js';
import { createEc2Service, noDelays, type Ec2Service } from '../../../sandbox/ec2/index.js';
import { administrator } from '../../../sandbox/iam/index.js';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { listen } from '../../../sandbox/server/server.js';
import { systemClock, type Clock } from '../../../src/core/index.js';
import { clientOf, completedSnapshot, availableVolume, eventually, snapshotNow } from '../ec2/support.js';

export { availableVolume, completedSnapshot, eventually, failure, snapshotNow } from '../ec2/support.js';

/** The size of a block. */
export const blockBytes = 512 * 1024;

/** EC2 and EBS direct behind one listener, and the official clients for both. */
export interface TestEbs {
  readonly ebs: EBSClient;
  readonly ec2: EC2Client;
  readonly service: Ec2Service;
  readonly url: string;
  readonly directory: string;
  readonly notices: readonly string[];
  close(): Promise<void>;
}

/** How they are started. */
export interface TestEbsOptions extends Partial<Omit<EbsOptions, 'snapshots'>> {
  readonly stages?: readonly Stage[];
  /** How long EC2 takes for a snapshot of a volume. */
  readonly snapshotMs?: number;
}

/** Starts both without delays and quotas; they are closed after the test. */
export async function startEbs(options: TestEbsOptions = {}): Promise<TestEbs> {
  const directory = options.directory ?? (await scratchDirectory());
  const notices: string[] = [];
  const clock = options.clock ?? systemClock;
  const onNotice = (text: string): void => void notices.push(text);
  const delays = { ...noDelays, snapshotMs: options.snapshotMs ?? 0 };
  const service = await createEc2Service({ directory: join(directory, 'ec2'), clock, delays, onNotice });
  const ebsService = await createEbsService({
    snapshots: service.snapshots,
    clock,
    onNotice,
    directory: join(directory, 'ebs'),
    quotas: { ...noQuotas, ...options.quotas },
    delays: { invisibleMs: 0, completeMs: 0, unreadableMs: 0, ...options.delays },
    ...(options.paging === undefined ? {} : { paging: options.paging }),
  });
  const server = await listen([service, ebsService], {
    host: '127.0.0.1',
    port: 0,
    defaultRegion: 'us-east-1',
    onDefect: (error) => notices.push(`defect: ${String(error)}`),
    ...(options.stages === undefined ? {} : { stages: options.stages }),
  });
  const { url } = server;
  const [ebs, ec2] = [ebsClientOf(url), clientOf(url)];
  const close = async (): Promise<void> => {
    ebs.destroy();
    ec2.destroy();
    await server.close();
  };
  onTestFinished(close);
  return { ebs, ec2, service, url, directory, notices, close };
}

/** The official client of EBS direct, without retries. */
export function ebsClientOf(endpoint: string, region = 'us-east-1'): EBSClient {
  return new EBSClient({ endpoint, region, credentials: administrator, maxAttempts: 1 });
}

/** A directory that is gone after the test. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-ebs-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A clock that stands still until it is moved; who sleeps wakes up when it has been moved far enough. */
export interface MovableClock extends Clock {
  advance(ms: number): void;
}

/** One that begins now. */
export function movableClock(): MovableClock {
  let nowMs = systemClock.now();
  const sleepers = new Set<() => void>();
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
      for (const look of [...sleepers]) look();
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) reject(signal.reason as Error);
        const untilMs = nowMs + ms;
        const look = (): void => {
          if (nowMs < untilMs) return;
          sleepers.delete(look);
          resolve();
        };
        signal?.addEventListener('abort', () => {
          sleepers.delete(look);
          reject(signal.reason as Error);
        });
        sleepers.add(look);
        look();
      }),
  };
}

/** A block of one byte, again and again. */
export function blockOf(byte: number): Buffer {
  return Buffer.alloc(blockBytes, byte);
}

/** SHA-256 as headers have it. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** The LINEAR checksum of blocks in the order of their indexes. */
export function linear(blocks: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const block of blocks) hash.update(createHash('sha256').update(block).digest());
  return hash.digest('base64');
}

/** StartSnapshot, of 1 GiB where nothing else is said; the id. */
export async function begin(ebs: EBSClient, input: Partial<StartSnapshotCommandInput> = {}): Promise<string> {
  const { SnapshotId = '' } = await ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ...input }));
  return SnapshotId;
}

/** PutSnapshotBlock with the right checksum, where no other is given. */
export const put = (
  ebs: EBSClient,
  SnapshotId: string,
  [BlockIndex, data]: readonly [number, Buffer],
  input: Partial<PutSnapshotBlockCommandInput> = {},
) =>
  ebs.send(
    new PutSnapshotBlockCommand({
      SnapshotId,
      BlockIndex,
      BlockData: data,
      DataLength: data.length,
      Checksum: sha256(data),
      ChecksumAlgorithm: 'SHA256',
      ...input,
    }),
  );

/** CompleteSnapshot, and waits until EC2 says that it is. */
export async function complete(
  { ebs, ec2 }: Pick<TestEbs, 'ebs' | 'ec2'>,
  SnapshotId: string,
  input: Omit<CompleteSnapshotCommandInput, 'SnapshotId'>,
): Promise<void> {
  await ebs.send(new CompleteSnapshotCommand({ SnapshotId, ...input }));
  await eventually(
    async () => ((await snapshotNow(ec2, SnapshotId))?.State === 'completed' ? true : undefined),
    `${SnapshotId} completed`,
  );
}

/** A completed snapshot of these blocks. */
export async function written(
  test: Pick<TestEbs, 'ebs' | 'ec2'>,
  blocks: readonly (readonly [number, Buffer])[],
  input: Partial<StartSnapshotCommandInput> = {},
): Promise<string> {
  const id = await begin(test.ebs, input);
  for (const block of blocks) await put(test.ebs, id, block);
  await complete(test, id, { ChangedBlocksCount: blocks.length });
  return id;
}

/** All pages of a listing. */
export async function allPages(
  ebs: EBSClient,
  SnapshotId: string,
  input: { readonly MaxResults?: number; readonly StartingBlockIndex?: number } = {},
): Promise<readonly ListSnapshotBlocksCommandOutput[]> {
  const pages: ListSnapshotBlocksCommandOutput[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId, NextToken, ...input }));
    pages.push(page);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return pages;
}

/** All blocks of a listing. */
export async function allBlocks(ebs: EBSClient, SnapshotId: string): Promise<readonly Block[]> {
  return (await allPages(ebs, SnapshotId)).flatMap(({ Blocks = [] }) => Blocks);
}

/** The bytes of a block. */
export async function get(ebs: EBSClient, SnapshotId: string, { BlockIndex, BlockToken }: Block): Promise<Buffer> {
  const answer = await ebs.send(new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }));
  return Buffer.from((await answer.BlockData?.transformToByteArray()) ?? []);
}

/** A volume of EC2 with blocks written into its file, as a machine would do it. */
export async function volumeWith(
  { ec2, directory }: TestEbs,
  blocks: readonly (readonly [number, Buffer])[],
  Size = 1,
): Promise<string> {
  const id = await availableVolume(ec2, { Size });
  await writeToVolume(directory, id, blocks);
  return id;
}

/** Writes blocks into the file of a volume. */
export async function writeToVolume(
  directory: string,
  volumeId: string,
  blocks: readonly (readonly [number, Buffer])[],
): Promise<void> {
  const file = await open(volumeFile(directory, volumeId), 'r+');
  for (const [index, data] of blocks) await file.write(data, 0, data.length, index * blockBytes);
  await file.close();
}

/** The file with the bytes of a volume. */
export function volumeFile(directory: string, volumeId: string): string {
  return join(directory, 'ec2', 'volumes', `${volumeId}.img`);
}

/** A completed snapshot of EC2 with these blocks. */
export async function snapshotOfVolumeWith(
  test: TestEbs,
  blocks: readonly (readonly [number, Buffer])[],
  Size = 1,
): Promise<string> {
  return completedSnapshot(test.ec2, await volumeWith(test, blocks, Size));
}
