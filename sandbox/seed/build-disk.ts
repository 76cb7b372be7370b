import { access, mkdtemp, realpath, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, MiB, poll, type Clock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { fillFilesystem, type Content, type ContentSpec } from './fill.js';

/** What one partition, or a disk without partitions, holds. */
export type Filling =
  | {
      readonly kind: 'filesystem';
      readonly type: 'ext4' | 'xfs' | 'btrfs';
      readonly label: string;
      readonly content: ContentSpec;
    }
  | { readonly kind: 'swap'; readonly label: string }
  | { readonly kind: 'nothing' };

/** A partition of a GPT. xfs wants 300 MiB, btrfs 109 MiB. */
export interface PartitionSpec {
  /** In MiB; `rest` for the last one. */
  readonly size: number | 'rest';
  readonly filling: Filling;
}

/** A disk to be built. */
export type DiskSpec =
  | { readonly kind: 'whole'; readonly filling: Filling }
  | { readonly kind: 'partitioned'; readonly partitions: readonly PartitionSpec[] };

/** What was put on a disk. */
export interface BuiltPart {
  /** Undefined for a disk without partitions. */
  readonly partition: number | undefined;
  readonly filling: Filling['kind'] | 'ext4' | 'xfs' | 'btrfs';
  readonly label: string;
  /** Undefined where there is no filesystem. */
  readonly content: Content | undefined;
}

const nodeTimeoutMs = 10_000;

/**
 * Writes partition table, filesystems and files to a block device, as an operator would; needs root. What the device held
 * is lost. Throws `program-missing`, `program-failed` or `device-missing`.
 */
export async function buildDisk(
  devicePath: string,
  spec: DiskSpec,
  options: { readonly clock: Clock },
): Promise<readonly BuiltPart[]> {
  const device = await realpath(devicePath);
  if (spec.kind === 'whole') return [await fill(device, spec.filling, undefined)];
  await partition(device, spec.partitions);
  const built: BuiltPart[] = [];
  for (const [index, { filling }] of spec.partitions.entries()) {
    const node = partitionNode(device, index + 1);
    await waitForNode(node, options.clock);
    built.push(await fill(node, filling, index + 1));
  }
  return built;
}

/** `/dev/loop0` -> `/dev/loop0p1`, `/dev/sda` -> `/dev/sda1`. */
export function partitionNode(device: string, number: number): string {
  return `${device}${/\d$/.test(device) ? 'p' : ''}${number}`;
}

async function partition(device: string, partitions: readonly PartitionSpec[]): Promise<void> {
  const lines = partitions.map(({ size, filling }) => {
    const type = filling.kind === 'swap' ? 'swap' : 'linux';
    return `${size === 'rest' ? '' : `size=${(size * MiB) / 512}, `}type=${type}`;
  });
  await run(['sfdisk', '--quiet', '--no-reread', '--wipe=always', device], {
    input: ['label: gpt', ...lines, ''].join('\n'),
  });
  // The kernel of this machine reads no tables by itself.
  await run(['partx', '--update', device]);
}

async function waitForNode(node: string, clock: Clock): Promise<void> {
  const present = (): Promise<true | undefined> =>
    access(node).then(
      () => true,
      () => undefined,
    );
  if ((await poll(present, { clock, intervalMs: 20, timeoutMs: nodeTimeoutMs })) === undefined) {
    throw new AppError('device-missing', `The partition ${node} did not appear within ${nodeTimeoutMs / 1000} s.`);
  }
}

async function fill(node: string, filling: Filling, number: number | undefined): Promise<BuiltPart> {
  switch (filling.kind) {
    case 'nothing':
      return { partition: number, filling: 'nothing', label: '', content: undefined };
    case 'swap':
      await run(['mkswap', `--label=${filling.label}`, node]);
      return { partition: number, filling: 'swap', label: filling.label, content: undefined };
    case 'filesystem': {
      const { type, label } = filling;
      const force = type === 'ext4' ? '-F' : '-f';
      await run([`mkfs.${type}`, '-q', force, '-L', label, node]);
      return { partition: number, filling: type, label, content: await fillMounted(node, filling) };
    }
  }
}

async function fillMounted(node: string, filling: Extract<Filling, { kind: 'filesystem' }>): Promise<Content> {
  const mountPoint = await mkdtemp(join(tmpdir(), 'snap-to-s3-seed-'));
  try {
    // nouuid: copies of the same filesystem may be mounted at the same time.
    const options = filling.type === 'xfs' ? ['--options', 'nouuid'] : [];
    await run(['mount', '--types', filling.type, ...options, node, mountPoint]);
    try {
      return await fillFilesystem(mountPoint, filling.content);
    } finally {
      await run(['umount', mountPoint]);
    }
  } finally {
    await rmdir(mountPoint);
  }
}
