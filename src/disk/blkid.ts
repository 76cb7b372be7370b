import { AppError } from '../core/index.js';
import { run } from '../process/index.js';
import { requireReadable } from './read-device.js';

/** As far as the marks of filesystems reach into a device (that of btrfs is at 64 KiB). */
const markedBytes = 68 * 1024;

/** What blkid finds on a device, by udev's names (`ID_FS_TYPE`, `ID_PART_ENTRY_NUMBER`); empty when nothing is there. */
export type Probe = ReadonlyMap<string, string>;

/**
 * Reads the device itself. lsblk would take its word from udev's database, which can lag behind a fresh attachment;
 * believing it, a filesystem could pass for an empty partition. Throws `disk-unsupported` for contradictory marks,
 * `source-unreadable` where the marks cannot be read.
 */
export async function probeDevice(path: string, signal: AbortSignal | undefined): Promise<Probe> {
  try {
    const output = await run(['blkid', '--probe', '--output', 'udev', path], { signal });
    return new Map(output.toString('utf8').split('\n').map(splitLine));
  } catch (error) {
    // blkid(8): 2 when nothing is found, 8 when it is ambiguous.
    const status = exitStatusOf(error);
    if (status === 2) {
      // It finds nothing on a device that cannot be read either, and says no more about it than about an empty one.
      await requireReadable(path, markedBytes);
      return new Map();
    }
    if (status !== 8) throw error;
    throw new AppError('disk-unsupported', `${path} bears the marks of several filesystems at once.`, {
      cause: error,
      hint: 'Archive the whole disk with --dd.',
    });
  }
}

/** A value of a probe in which blkid has written unusual bytes as `\xNN`; null where there is none. */
export function decodedValue(probe: Probe, name: string): string | null {
  const encoded = probe.get(name);
  if (encoded === undefined) return null;
  const bytes: Buffer[] = [];
  for (const piece of encoded.split(/(\\x[0-9a-f]{2})/)) {
    bytes.push(/^\\x[0-9a-f]{2}$/.test(piece) ? Buffer.from(piece.slice(2), 'hex') : Buffer.from(piece, 'utf8'));
  }
  return Buffer.concat(bytes).toString('utf8');
}

function splitLine(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

function exitStatusOf(error: unknown): number | undefined {
  const failure = error instanceof AppError ? error.details.failure : undefined;
  return typeof failure === 'object' && failure !== null && 'status' in failure && typeof failure.status === 'number'
    ? failure.status
    : undefined;
}
