import { mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { formatBytes, GiB, messageOf } from '../../core/index.js';
import { findingsOf, type Finding } from './finding.js';

const findings = findingsOf('machine');

/** Two parts of a volume of 4 TiB: one being filled while another is sent. */
const comfortableBytes = GiB;

/** Looks whether large parts of an upload find room in the temporary directory. */
export async function checkTemporaryDirectory(directory: string): Promise<Finding> {
  const check = 'temporary-directory';
  const elsewhere = 'Set TMPDIR to a directory with more room, on a disk and not in memory.';
  try {
    await tryFolder(directory);
    const { bavail, bsize } = await statfs(directory);
    const free = `${formatBytes(bavail * bsize)} free in ${directory}`;
    if (bavail * bsize >= comfortableBytes) return findings.ok(check, `There is room for large parts: ${free}.`);
    return findings.warning(
      check,
      `There is little room: ${free}. With volumes of more than half a TiB, parts of uploads wait there.`,
      elsewhere,
    );
  } catch (error) {
    return findings.failed(check, `Nothing can be written to the temporary directory: ${messageOf(error)}.`, elsewhere);
  }
}

/** Looks whether directories can be made where partitions are to be mounted. Nothing is left there. */
export async function checkMountPoint(mountPoint: string): Promise<Finding> {
  const check = 'mount-point';
  try {
    const place = await nearestFolder(resolve(mountPoint));
    await tryFolder(place);
    return findings.ok(check, `Partitions can be mounted below ${mountPoint}.`);
  } catch (error) {
    return findings.failed(
      check,
      `Nothing can be made below ${mountPoint}: ${messageOf(error)}.`,
      'Name another place with --mount-point.',
    );
  }
}

/** The directory itself, or the one above it that is there: `migrate` makes what is missing. */
async function nearestFolder(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    try {
      await stat(place);
      return place;
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing || place === dirname(place)) throw error;
    }
  }
}

async function tryFolder(place: string): Promise<void> {
  await rmdir(await mkdtemp(join(place, 'snap-to-s3-doctor-')));
}
