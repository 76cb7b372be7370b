import { access, readFile, readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { AppError, poll, type Clock } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';

/** A partition that the kernel knows. */
export interface Partition {
  readonly number: number;
  /** `/dev/loop3p1`. */
  readonly path: string;
}

/** The partitions that the kernel knows of a disk, from sysfs. */
export async function partitionsOf(disk: string): Promise<readonly Partition[]> {
  const name = basename(disk);
  const entries = await readdir(`/sys/block/${name}`).catch(() => []);
  const own = entries.filter((entry) => entry.startsWith(`${name}p`));
  const found = await Promise.all(
    own.map(async (entry) => {
      const number = Number(await readFile(`/sys/block/${name}/${entry}/partition`, 'utf8').catch(() => 'NaN'));
      return { number, path: `/dev/${entry}` };
    }),
  );
  return found.filter(({ number }) => Number.isInteger(number)).sort((a, b) => a.number - b.number);
}

/**
 * Tells the kernel the partition table of a disk (this kernel reads none by itself) and waits until the nodes are there.
 * A disk without a table has no partitions, which is no failure.
 */
export async function addPartitions(disk: string, { clock }: { readonly clock: Clock }): Promise<readonly Partition[]> {
  try {
    await run(['partx', '--add', disk]);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'program-failed') throw error;
    return [];
  }
  const partitions = await partitionsOf(disk);
  const present = async (): Promise<true | undefined> => {
    const missing = await Promise.allSettled(partitions.map(({ path }) => access(path)));
    return missing.every(({ status }) => status === 'fulfilled') ? true : undefined;
  };
  const appeared = await poll(present, { clock, intervalMs: 10, timeoutMs: 5_000 });
  if (appeared === undefined) throw new AppError('device-missing', `The partitions of ${disk} did not appear in /dev.`);
  return partitions;
}

/** Makes the kernel forget the partitions of a disk. Returns those that somebody uses, which stay. */
export async function removePartitions(disk: string): Promise<readonly Partition[]> {
  const busy: Partition[] = [];
  for (const partition of await partitionsOf(disk)) {
    try {
      await run(['delpart', disk, String(partition.number)]);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'program-failed') throw error;
      busy.push(partition);
    }
  }
  return busy;
}
