import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A mounted filesystem, as /proc/<pid>/mountinfo shows it (proc(5)). */
export interface MountEntry {
  /** `259:1`; of no device where the filesystem has a number of its own (btrfs). */
  readonly deviceNumber: string;
  readonly mountPoint: string;
  /** Of this mount: `ro`, `nosuid`, … */
  readonly options: readonly string[];
  readonly type: string;
  /** The path of the device, where there is one. */
  readonly source: string;
  /** Of the filesystem under all its mounts: `rw` where any of them may write. */
  readonly superOptions: readonly string[];
}

/** What this process sees mounted, in the order of mounting. */
export async function ownMounts(): Promise<readonly MountEntry[]> {
  return parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** What any process of this machine sees mounted: services and containers may have mounts that nobody else sees. */
export async function mountsOfAll(): Promise<readonly MountEntry[]> {
  const found = [...(await ownMounts())];
  const seen = new Set([await readlink('/proc/self/ns/mnt')]);
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // Processes end while they are looked at.
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    found.push(...parseMountinfo(await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')));
  }
  return found;
}

/** Whether a mount is one of a device; its number or, for btrfs, the path in its source says so. */
export async function isMountOf(mount: MountEntry, deviceNumber: string): Promise<boolean> {
  if (mount.deviceNumber === deviceNumber) return true;
  return mount.source.startsWith('/dev/') && (await deviceNumberOf(mount.source)) === deviceNumber;
}

/** The number of a block device, `259:1`; undefined where there is no such device. */
export async function deviceNumberOf(path: string): Promise<string | undefined> {
  const name = await kernelName(path);
  const number = await readFile(join('/sys/class/block', name, 'dev'), 'utf8').catch(() => undefined);
  return number?.trim();
}

/** The paths of what the kernel has built upon a block device: LVM volumes, RAIDs, opened LUKS; also indirectly. */
export async function holdersOf(path: string): Promise<readonly string[]> {
  const names = await readdir(join('/sys/class/block', await kernelName(path), 'holders')).catch(() => []);
  const found = names.map((name) => `/dev/${name}`);
  for (const holder of [...found]) found.push(...(await holdersOf(holder)));
  return found;
}

/** What the kernel calls a block device: `nvme1n1p1`. */
export async function kernelName(path: string): Promise<string> {
  return basename(await realpath(path).catch(() => path));
}

function parseMountinfo(text: string): readonly MountEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      const [type = '', source = '', superOptions = ''] = fields.slice(fields.indexOf('-', 6) + 1);
      return {
        deviceNumber: fields[2] ?? '',
        mountPoint: unescaped(fields[4] ?? ''),
        options: (fields[5] ?? '').split(','),
        type,
        source: unescaped(source),
        superOptions: superOptions.split(','),
      };
    });
}

/** The kernel writes blank, tab, line end and backslash as three octal digits of a byte. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
