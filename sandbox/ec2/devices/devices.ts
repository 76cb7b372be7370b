import { AppError, poll, type Clock } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';
import { lazyFiles, type LazyLoading } from '../lazy-loading/index.js';
import { addLinks, removeLinks } from './by-id.js';
import { closeLoop, findLoop, openLoop, type Loop } from './loop.js';
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

/** What {@link loopDevices} needs. */
export interface LoopDevicesOptions {
  readonly clock: Clock;
  /** None unless given. */
  readonly lazyLoading?: LazyLoading | undefined;
}

/** How long the kernel may take to free a device that nobody uses. */
const releaseTimeoutMs = 1_000;

/**
 * Loop devices as EBS volumes, behind lazy loading where there is any. What is asked of one volume is done in turn: a release
 * that looks while a device is being made would find none.
 */
export function loopDevices({ clock, lazyLoading }: LoopDevicesOptions): Devices {
  const inTurn = createTurns();
  const lazy = lazyFiles(lazyLoading, { clock });
  const loopOf = async (file: string): Promise<Loop | undefined> => findLoop(await lazy.pathOf(file));
  return {
    usable: process.getuid?.() === 0,
    attach: ({ volumeId, file }) =>
      inTurn(file, async () => {
        const backing = await lazy.serve(file);
        const found = await findLoop(backing);
        if (found?.autoclear === true) {
          throw new AppError('device-missing', `${found.path} still serves ${volumeId} to programs that have it open.`);
        }
        const path = found?.path ?? (await openLoop(backing, { direct: backing !== file }));
        try {
          if (found === undefined) {
            // Partitions of an earlier user of this loop device that was freed while they were mounted.
            await removePartitions(path);
            await addPartitions(path, { clock });
          }
          await addLinks(volumeId, { path, partitions: await partitionsOf(path) });
        } catch (error) {
          if (found === undefined) await closeLoop(path);
          throw error;
        }
        return path;
      }),
    release: ({ volumeId, file }) =>
      inTurn(file, async () => {
        const backing = await lazy.pathOf(file);
        const loop = await findLoop(backing);
        if (loop !== undefined && !(await freed(loop.path, { file: backing, clock }))) return 'busy';
        await removeLinks(volumeId);
        await lazy.end(file);
        return 'released';
      }),
    releaseByForce: ({ volumeId, file }) =>
      inTurn(file, async () => {
        await removeLinks(volumeId);
        const backing = await lazy.pathOf(file);
        const loop = await findLoop(backing);
        if (loop === undefined) return;
        await unmountLazily([loop.path, ...(await partitionsOf(loop.path)).map(({ path }) => path)]);
        // What is still open keeps the loop device and the slow view of the file behind it; both end by themselves.
        if (await freed(loop.path, { file: backing, clock })) await lazy.end(file);
        else await closeLoop(loop.path);
      }),
    flush: async ({ file }) => {
      const loop = await loopOf(file);
      if (loop === undefined) return;
      for (const { path } of await partitionsOf(loop.path)) await run(['blockdev', '--flushbufs', path]);
      await run(['blockdev', '--flushbufs', loop.path]);
    },
  };
}

/** Does one thing after the other for each key. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const before = last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
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
