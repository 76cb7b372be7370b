import { AppError } from '../core/index.js';
import type { DiskLayout } from './layout.js';
import { deviceNumberOf, holdersOf, isMountOf, mountsOfAll } from './mountinfo.js';

/**
 * Makes sure that nobody writes to a disk that is to be read: an fstab line or an automounter that knows the filesystem
 * by its UUID or label takes a copy for the original. Returns a sentence for each read-only mount, which does no harm;
 * throws `disk-in-use` for one that may write, in any mount namespace and through LVM or RAID too.
 */
export async function requireUnwritten(layout: DiskLayout): Promise<readonly string[]> {
  const paths = [layout.path, ...layout.areas.map((area) => area.path)];
  const above = (await Promise.all(paths.map(holdersOf))).flat();
  const mounts = await mountsOfAll();
  const notices = new Set<string>();
  for (const path of new Set([...paths, ...above])) {
    const deviceNumber = await deviceNumberOf(path);
    if (deviceNumber === undefined) continue;
    for (const mount of mounts) {
      if (!(await isMountOf(mount, deviceNumber))) continue;
      if (mount.superOptions.includes('rw')) throw written(path, mount.mountPoint);
      notices.add(
        `${path} was mounted at ${mount.mountPoint} by something else, read-only. It is archived all the same; ` +
          'the volume can be detached only after that is unmounted.',
      );
    }
  }
  return [...notices];
}

function written(path: string, mountPoint: string): AppError {
  return new AppError(
    'disk-in-use',
    `${path}, a temporary volume, is mounted at ${mountPoint} by something else and may be written to there, ` +
      'so what is read from it would not be the snapshot.',
    {
      details: { device: path, mountPoint },
      hint:
        `Run: umount ${mountPoint}; and keep it from happening again: in /etc/fstab name that filesystem by the path ` +
        'of its own volume instead of UUID= or LABEL=, which its copies share, or add noauto; or switch the automounter off.',
    },
  );
}
