import { AppError, poll, type Clock } from '../core/index.js';
import { isProgramFailure, run, runText } from '../process/index.js';
import { probeDevice } from './blkid.js';
import { deviceNumberOf, isMountOf, mountsOfAll, type MountEntry } from './mountinfo.js';
import type { FilesystemArea } from './selection.js';

/** How to wait for a copy to be unmounted. */
export interface CopyOptions {
  readonly clock: Clock;
  readonly onNotice: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/** Another snapshot of the volume may be read for a day; a wait beyond that helps nobody. */
const longestWaitMs = 24 * 60 * 60_000;

/**
 * Mounts a btrfs by `mount`, waiting where the kernel refuses because a copy of it (another snapshot of the same volume)
 * is mounted read-only: kernels before 6.7 take devices with one UUID for one filesystem, and mount only one of them.
 * Newer ones mount both, each with its own contents, and nothing waits. Throws what `mount` throws when no copy is in
 * the way, and `mount-failed` when one is mounted for writing or stays too long.
 */
export async function mountBesideCopies(
  area: FilesystemArea,
  mount: () => Promise<void>,
  options: CopyOptions,
): Promise<void> {
  const { clock, signal } = options;
  let told = false;
  let forgotten = false;
  let refusal: unknown;
  const mounted = await poll(
    async () => {
      try {
        await mount();
        return true;
      } catch (error) {
        if (!isProgramFailure(error)) throw error;
        refusal = error;
        const copies = await copiesOf(area, signal);
        const inTheWay = await firstMounted(copies);
        if (inTheWay === undefined) {
          // A copy that is not mounted, but was announced to the kernel by udev, can be in the way as well.
          if (forgotten || copies.length === 0) throw error;
          forgotten = true;
          await forget(copies, signal);
          return undefined;
        }
        if (inTheWay.superOptions.includes('rw')) throw takenForWriting(area, inTheWay, error);
        if (!told) {
          options.onNotice(
            `Waiting until ${inTheWay.source} is unmounted from ${inTheWay.mountPoint}: it has the same UUID as ` +
              `${area.path}, and this kernel mounts only one btrfs of a UUID at a time.`,
          );
        }
        told = true;
        return undefined;
      }
    },
    { clock, intervalMs: 500, timeoutMs: options.timeoutMs ?? longestWaitMs, signal },
  );
  if (mounted === undefined) throw refusal;
}

/** Other devices with the same UUID. */
async function copiesOf(area: FilesystemArea, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const { uuid } = area.contents;
  if (uuid === null) return [];
  const own = await deviceNumberOf(area.path);
  const listed = await runText(['lsblk', '--noheadings', '--list', '--paths', '--output', 'NAME'], { signal });
  const found: string[] = [];
  for (const path of listed.split('\n').filter((line) => line !== '')) {
    if ((await deviceNumberOf(path)) === own) continue;
    // Devices without medium, and those of others that cannot be read, are no copies.
    const probe = await probeDevice(path, signal).catch(() => undefined);
    if (probe?.get('ID_FS_TYPE') === 'btrfs' && probe.get('ID_FS_UUID') === uuid) found.push(path);
  }
  return found;
}

async function firstMounted(devices: readonly string[]): Promise<MountEntry | undefined> {
  const mounts = await mountsOfAll();
  for (const device of devices) {
    const number = await deviceNumberOf(device);
    if (number === undefined) continue;
    for (const mount of mounts) if (await isMountOf(mount, number)) return mount;
  }
  return undefined;
}

/** Takes devices off the kernel's list of btrfs devices; nothing on them changes, and mounted ones stay. */
async function forget(devices: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  for (const device of devices) {
    await run(['btrfs', 'device', 'scan', '--forget', device], { signal }).catch(() => undefined);
  }
}

function takenForWriting(area: FilesystemArea, copy: MountEntry, cause: AppError): AppError {
  return new AppError(
    'mount-failed',
    `The btrfs on ${area.path} cannot be mounted while ${copy.source}, which has the same UUID, is mounted at ${copy.mountPoint}.`,
    {
      cause,
      hint: 'Archive the whole disk with --dd, or run on an instance with Linux 6.7 or newer, which can mount both.',
    },
  );
}
