import { readFile, stat } from 'node:fs/promises';
import { run } from '../../../src/process/index.js';

/** Where the given devices are mounted, newest mount first. */
export async function mountPointsOf(devices: readonly string[]): Promise<readonly string[]> {
  const numbers = await Promise.all(devices.map(deviceNumber));
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .filter((line) => {
      const fields = line.split(' ');
      // Btrfs shows an anonymous device number, so the source is looked at as well.
      const source = fields[fields.indexOf('-') + 2] ?? '';
      return numbers.includes(fields[2] ?? '') || devices.includes(unescaped(source));
    })
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .reverse();
}

/** Whether one of the devices is mounted or swapped on, as far as this process can see. */
export async function inUse(devices: readonly string[]): Promise<boolean> {
  if ((await mountPointsOf(devices)).length > 0) return true;
  const swaps = await readFile('/proc/swaps', 'utf8').catch(() => '');
  return swaps.split('\n').some((line) => devices.includes(unescaped(line.split(/\s/)[0] ?? '')));
}

/** Takes the filesystems of the devices away from under their users. */
export async function unmountLazily(devices: readonly string[]): Promise<void> {
  for (const mountPoint of await mountPointsOf(devices)) await run(['umount', '--lazy', '--', mountPoint]);
}

async function deviceNumber(path: string): Promise<string> {
  const { rdev } = await stat(path).catch(() => ({ rdev: 0 }));
  // As in makedev(3), for the numbers that occur.
  return `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
}

/** The kernel writes blank, tab, line end and backslash as three octal digits. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
