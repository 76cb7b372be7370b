import { readFile } from 'node:fs/promises';
import { runText } from '../../process/index.js';
import { findingsOf, type Finding } from './finding.js';

const findings = findingsOf('machine');
/** What nearly all disks on EC2 have. */
const usual = ['ext4', 'xfs', 'btrfs'];
const modprobeTimeoutMs = 10_000;

/** Looks whether the kernel knows the usual filesystems, or has a module for them. */
export async function checkFilesystems(signal: AbortSignal): Promise<Finding> {
  const check = 'filesystems';
  let listed: string;
  try {
    listed = await readFile('/proc/filesystems', 'utf8');
  } catch {
    return findings.notChecked(check, '/proc/filesystems cannot be read');
  }
  const known = new Set(listed.split('\n').map((line) => line.split('\t').at(-1)));
  const missing: string[] = [];
  for (const type of usual) if (!known.has(type) && !(await hasModule(type, signal))) missing.push(type);
  if (missing.length === 0) return findings.ok(check, `The kernel can mount ${usual.join(', ')}.`);
  return findings.warning(
    check,
    `The kernel does not know ${missing.join(', ')}, so that such filesystems cannot be archived file by file.`,
    `Try: modprobe ${missing[0] ?? ''}; take a kernel that has it; or archive these disks as images, with --dd.`,
  );
}

async function hasModule(type: string, signal: AbortSignal): Promise<boolean> {
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(modprobeTimeoutMs)]);
    await runText(['modprobe', '--dry-run', '--quiet', type], { signal: bounded });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
