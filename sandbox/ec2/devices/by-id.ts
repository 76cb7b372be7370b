import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Partition } from './partitions.js';

const defaultDirectory = '/dev/disk/by-id';

/** `vol-0123` -> `nvme-Amazon_Elastic_Block_Store_vol0123`: the name that udev gives to EBS volumes on Nitro instances. */
export function byIdName(volumeId: string): string {
  return `nvme-Amazon_Elastic_Block_Store_${volumeId.replace('-', '')}`;
}

/** Makes the links of a volume and of its partitions, as udev does on EC2. Links of an earlier attachment go. */
export async function addLinks(
  volumeId: string,
  device: { readonly path: string; readonly partitions: readonly Partition[] },
): Promise<void> {
  await mkdir(defaultDirectory, { recursive: true });
  await removeLinks(volumeId);
  const link = (name: string, path: string): Promise<void> =>
    symlink(`../../${basename(path)}`, join(defaultDirectory, name));
  await link(byIdName(volumeId), device.path);
  for (const { number, path } of device.partitions) await link(`${byIdName(volumeId)}-part${number}`, path);
}

/** Removes the links of a volume and of its partitions. May be repeated. */
export async function removeLinks(volumeId: string): Promise<void> {
  const name = byIdName(volumeId);
  const entries = await readdir(defaultDirectory).catch(() => []);
  const own = entries.filter((entry) => entry === name || entry.startsWith(`${name}-part`));
  for (const entry of own) await rm(join(defaultDirectory, entry), { force: true });
}
