import { AppError, poll, type Clock } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';
import { addLinks, removeLinks } from './by-id.js';
import { closeLoop, findLoop, openLoop } from './loop.js';
import { addPartitions, partitionsOf, removePartitions } from './partitions.js';
import { inUse, unmountLazily } from './usage.js';

/** A volume and the file with its bytes. */
export interface VolumeFile {
  readonly volumeId: string;
  readonly file: string;
}

/** `released`: nothing of the volume is left in /dev. `busy`: somebody uses it, and it is still there. */
export type Release = 'released' | 'busy';

/** How volumes become block devices of this machine. */
export interface Devices {
  /** Whether this process may attach at all (it must be root). */
  readonly usable: boolean;
  /**
   * Makes the volume a block device with partitions and by-id links, and returns the device (`/dev/loop3`). What is
   * there already is adopted, so this may be repeated. Throws `device-missing` or `program-failed`.
   */
  attach(volume: VolumeFile): Promise<string>;
  /** Takes the device away unless it is used. May be repeated. */
  release(volume: VolumeFile): Promise<Release>;
  /**
   * Takes the device away even if it is mounted: filesystems are unmounted lazily, links go at once, and what open files
   * still hold goes with the last of them.
   */
  releaseByForce(volume: VolumeFile): Promise<void>;
  /** Writes what the kernel holds in memory for this disk to the volume's file. */
  flush(volume: VolumeFile): Promise<void>;
}

/** How long the kernel may take to free a device that nobody uses. */
const releaseTimeoutMs = 1_000;

/** Loop devices as EBS volumes. */
export function loopDevices({ clock }: { readonly clock: Clock }): Devices {
  return {
    usable: process.getuid?.() === 0,
    attach: async ({ volumeId, file }) => {
      const found = await findLoop(file);
      if (found?.autoclear === true) {
        throw new AppError('device-missing', `${found.path} still serves ${volumeId} to programs that have it open.`);
      }
      const path = found?.path ?? (await openLoop(file));
      if (found === undefined) {
        // Partitions of an earlier user of this loop device that was freed while they were mounted.
        await removePartitions(path);
        await addPartitions(path, { clock });
      }
      await addLinks(volumeId, { path, partitions: await partitionsOf(path) });
      return path;
    },
    release: async ({ volumeId, file }) => {
      const loop = await findLoop(file);
      if (loop !== undefined && !(await freed(loop.path, { file, clock }))) return 'busy';
      await removeLinks(volumeId);
      return 'released';
    },
    releaseByForce: async ({ volumeId, file }) => {
      await removeLinks(volumeId);
      const loop = await findLoop(file);
      if (loop === undefined) return;
      await unmountLazily([loop.path, ...(await partitionsOf(loop.path)).map(({ path }) => path)]);
      if (!(await freed(loop.path, { file, clock }))) await closeLoop(loop.path);
    },
    flush: async ({ file }) => {
      const loop = await findLoop(file);
      if (loop === undefined) return;
      for (const { path } of await partitionsOf(loop.path)) await run(['blockdev', '--flushbufs', path]);
      await run(['blockdev', '--flushbufs', loop.path]);
    },
  };
}

/** Frees the loop device unless it is used; true when it is really gone. */
async function freed(path: string, options: { readonly file: string; readonly clock: Clock }): Promise<boolean> {
  if (await inUse([path, ...(await partitionsOf(path)).map((partition) => partition.path)])) return false;
  if ((await removePartitions(path)).length > 0) return false;
  await closeLoop(path);
  const gone = async (): Promise<true | undefined> =>
    (await findLoop(options.file))?.path === path ? undefined : true;
  return (await poll(gone, { clock: options.clock, intervalMs: 20, timeoutMs: releaseTimeoutMs })) ?? false;
}
