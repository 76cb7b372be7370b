import { start, type RunningProgram } from '../process/index.js';

/** How a directory is archived. */
export interface TarOptions {
  /** The filesystem type of the directory; see {@link tarArguments}. */
  readonly filesystemType: string;
  readonly signal?: AbortSignal | undefined;
  /** Takes each line that tar says (sockets ignored, for example). */
  readonly onWarning: (line: string) => void;
}

/**
 * GNU tar's arguments, see docs/FORMAT.md: everything that a filesystem holds (ACLs, extended attributes of all
 * namespaces, holes), sorted by name, without what would differ between two runs (access and change times, process ids
 * in header names).
 */
export function tarArguments(directory: string, filesystemType: string): readonly string[] {
  return [
    'tar',
    '--create',
    '--file=-',
    `--directory=${directory}`,
    '--format=pax',
    '--pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f',
    '--numeric-owner',
    '--acls',
    '--xattrs',
    '--xattrs-include=*',
    '--sparse',
    '--sort=name',
    // The subvolumes of one btrfs have device numbers of their own: to tar they look like other filesystems.
    ...(filesystemType === 'btrfs' ? [] : ['--one-file-system']),
    '--blocking-factor=128',
    '.',
  ];
}

/** Starts GNU tar on a mounted filesystem; its archive is on `stdout`. It failed if `ended` rejects. */
export function startTar(directory: string, options: TarOptions): RunningProgram {
  const tar = start(tarArguments(directory, options.filesystemType), {
    signal: options.signal,
    onStderrLine: options.onWarning,
  });
  tar.stdin.end();
  return tar;
}
