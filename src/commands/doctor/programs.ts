import { AppError, messageOf } from '../../core/index.js';
import { runText } from '../../process/index.js';
import { findingsOf, type Finding } from './finding.js';

/** A program that is run, or may have to be. */
interface ProgramNeed {
  readonly name: string;
  /** What its first lines must be like; the group is the version. */
  readonly version: RegExp;
  /** Whose program it must be, where others bear the same name. */
  readonly kind: string;
  /** The oldest version that has what we use of it; undefined for any. */
  readonly least?: string;
  readonly packages: { readonly debian: string; readonly fedora: string };
  /** What it is needed for, where one can do without. */
  readonly onlyFor?: string;
}

const utilLinux = {
  version: /util-linux (\d+\.\d+)/,
  kind: 'util-linux',
  // lsblk --json.
  least: '2.27',
};

const needs: readonly ProgramNeed[] = [
  {
    name: 'tar',
    version: /^tar \(GNU tar\) (\d+\.\d+)/,
    kind: 'GNU tar',
    // --sort; --acls and --xattrs are in 1.27.
    least: '1.28',
    packages: { debian: 'tar', fedora: 'tar' },
  },
  { name: 'mount', ...utilLinux, packages: { debian: 'mount', fedora: 'util-linux' } },
  { name: 'umount', ...utilLinux, packages: { debian: 'mount', fedora: 'util-linux' } },
  { name: 'lsblk', ...utilLinux, packages: { debian: 'util-linux', fedora: 'util-linux' } },
  { name: 'blkid', ...utilLinux, packages: { debian: 'util-linux', fedora: 'util-linux' } },
  { name: 'sfdisk', ...utilLinux, packages: { debian: 'fdisk', fedora: 'util-linux' } },
  {
    name: 'getfattr',
    version: /^getfattr (\d+\.\d+\.\d+)/,
    kind: 'that of the package attr',
    packages: { debian: 'attr', fedora: 'attr' },
    onlyFor: 'validating archives against their snapshots',
  },
  {
    name: 'xargs',
    version: /^xargs \(GNU findutils\) (\d+\.\d+)/,
    kind: 'that of GNU findutils',
    packages: { debian: 'findutils', fedora: 'findutils' },
    onlyFor: 'validating archives against their snapshots',
  },
  {
    name: 'lz4',
    version: /lz4.* v(\d+\.\d+\.\d+)/i,
    kind: 'the lz4 of its authors',
    packages: { debian: 'lz4', fedora: 'lz4' },
    onlyFor: 'levels 3 to 9 of --compression lz4, and to read such archives back by hand',
  },
  {
    name: 'zstd',
    version: /Zstandard CLI.* v(\d+\.\d+\.\d+)/,
    kind: 'the zstd of its authors',
    packages: { debian: 'zstd', fedora: 'zstd' },
    onlyFor: 'reading archives of --compression zstd back by hand',
  },
];

const gpg: ProgramNeed = {
  name: 'gpg',
  version: /^gpg \(GnuPG[^)]*\) (\d+\.\d+\.\d+)/,
  kind: 'GnuPG',
  least: '2.0',
  packages: { debian: 'gnupg', fedora: 'gnupg2' },
};

/** `--version` takes milliseconds. */
const timeoutMs = 10_000;

/** Looks whether the programs are there that `migrate` runs, and which they are; gpg only where it is asked for. */
export async function* checkPrograms({
  withGpg,
  signal,
}: {
  readonly withGpg: boolean;
  readonly signal: AbortSignal;
}): AsyncGenerator<Finding> {
  for (const need of needs) yield await checkProgram(need, { signal });
  if (withGpg) yield await checkProgram(gpg, { signal, alias: 'gpg2' });
}

const findings = findingsOf('machine');

async function checkProgram(
  need: ProgramNeed,
  { signal, alias }: { readonly signal: AbortSignal; readonly alias?: string },
): Promise<Finding> {
  const { name, kind, least, onlyFor } = need;
  const bad = (text: string): Finding =>
    onlyFor === undefined
      ? findings.failed(name, text, installing(need))
      : findings.warning(name, `${text} It is needed only for ${onlyFor}.`, installing(need));
  let said: string;
  try {
    said = await versionText(name, { signal, alias });
  } catch (error) {
    signal.throwIfAborted();
    const isMissing = error instanceof AppError && error.code === 'program-missing';
    return bad(
      isMissing ? `The program ${name} is not installed.` : `The program ${name} does not work: ${messageOf(error)}`,
    );
  }
  const version = need.version.exec(said)?.[1];
  if (version === undefined) return bad(`The program ${name} is not ${kind}.`);
  if (least !== undefined && isOlder(version, least)) {
    return bad(`The program ${name} is version ${version}, and ${least} or newer is needed.`);
  }
  return findings.ok(name, `The program ${name} is there, version ${version}.`);
}

async function versionText(
  name: string,
  { signal, alias }: { readonly signal: AbortSignal; readonly alias: string | undefined },
): Promise<string> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await runText([name, '--version'], { signal: bounded, maxOutputBytes: 64 * 1024 });
  } catch (error) {
    if (alias === undefined || !(error instanceof AppError && error.code === 'program-missing')) throw error;
    return runText([alias, '--version'], { signal: bounded, maxOutputBytes: 64 * 1024 });
  }
}

function installing({ packages: { debian, fedora } }: ProgramNeed): string {
  return `Install it: apt-get install ${debian} (Debian, Ubuntu), dnf install ${fedora} (Amazon Linux).`;
}

/** Compares versions by their numbers: 1.9 is older than 1.28. */
export function isOlder(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (const [index, number] of want.entries()) {
    const difference = (have[index] ?? 0) - number;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
