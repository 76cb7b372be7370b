import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, poll, type Clock, type VolumeId } from '../core/index.js';

/** How a device is searched for. */
export interface FindDeviceOptions {
  readonly clock: Clock;
  /** The name the volume was attached as, `/dev/sdf`. */
  readonly deviceName: string;
  readonly signal?: AbortSignal | undefined;
  /** Where to look; `/` but in tests. */
  readonly root?: string;
  readonly timeoutMs?: number;
}

const pollMs = 100;
const defaultTimeoutMs = 2 * 60_000;
/** The model of EBS volumes; instance-store disks have another one and are never touched. */
const ebsModel = 'Amazon Elastic Block Store';

/**
 * Waits for the kernel's device of an attached volume and returns its path, `/dev/nvme1n1` say. Looks at the by-id link
 * of EC2's udev rules, then at the serial numbers of NVMe devices, and on instances without NVMe at the name the volume
 * was attached as. Throws `device-missing` after two minutes.
 */
export async function findDevice(volumeId: VolumeId, options: FindDeviceOptions): Promise<string> {
  const root = options.root ?? '/';
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const found = await poll(
    async () =>
      (await byIdLink(volumeId, root)) ??
      (await byNvmeSerial(volumeId, root)) ??
      (await byName(options.deviceName, root)),
    { clock: options.clock, intervalMs: pollMs, timeoutMs, signal: options.signal },
  );
  if (found !== undefined) return found;
  throw new AppError(
    'device-missing',
    `Timed out after ${Math.round(timeoutMs / 1000)} s waiting for ${volumeId} (attached as ${options.deviceName}) to appear in /dev.`,
    {
      hint:
        'Use "Force detach" on the volume in the EC2 console and run again; if that does not help, ' +
        'stop and start the instance.',
    },
  );
}

/** `vol-0123` has the serial number `vol0123`. */
function serialOf(volumeId: VolumeId): string {
  return volumeId.replace('-', '');
}

async function byIdLink(volumeId: VolumeId, root: string): Promise<string | undefined> {
  const link = join(root, 'dev/disk/by-id', `nvme-Amazon_Elastic_Block_Store_${serialOf(volumeId)}`);
  return realpath(link).catch(() => undefined);
}

async function byNvmeSerial(volumeId: VolumeId, root: string): Promise<string | undefined> {
  const classFolder = join(root, 'sys/class/nvme');
  for (const controller of await names(classFolder)) {
    const [serial, model] = await Promise.all([
      attribute(join(classFolder, controller, 'serial')),
      attribute(join(classFolder, controller, 'model')),
    ]);
    if (serial !== serialOf(volumeId) || model !== ebsModel) continue;
    const namespace = `${controller}n1`;
    if ((await names(join(root, 'dev'))).includes(namespace)) return join(root, 'dev', namespace);
  }
  return undefined;
}

/** Without NVMe the kernel calls `/dev/sdf` either `/dev/xvdf` or `/dev/sdf`. */
async function byName(deviceName: string, root: string): Promise<string | undefined> {
  // Where volumes are NVMe devices, names say nothing: /dev/sdf could be anybody's disk.
  if ((await names(join(root, 'sys/class/nvme'))).length > 0) return undefined;
  const letter = /^\/dev\/(?:sd|xvd)([a-z]+)$/.exec(deviceName)?.[1];
  if (letter === undefined) return undefined;
  const present = await names(join(root, 'dev'));
  const name = [`xvd${letter}`, `sd${letter}`].find((candidate) => present.includes(candidate));
  return name === undefined ? undefined : join(root, 'dev', name);
}

async function names(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function attribute(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}
