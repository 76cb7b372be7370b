import { AppError } from '../core/index.js';
import { programBytes } from '../process/index.js';

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

/**
 * The archive that GNU tar makes of a mounted filesystem, ending only when tar has ended well. What is yielded is good until
 * the next is asked for. Throws `source-unreadable` where a file could not be read or was not what it had been a moment
 * before (tar fills the gap with zeros), `program-failed` where tar was killed.
 */
export async function* tarBytes(directory: string, options: TarOptions): AsyncGenerator<Buffer, void> {
  try {
    yield* programBytes(tarArguments(directory, options.filesystemType), {
      signal: options.signal,
      onStderrLine: options.onWarning,
    });
  } catch (error) {
    throw explained(error);
  }
}

/** Exit status 1: some files changed, shrank or vanished meanwhile. 2: something could not be read (tar's manual). */
function explained(error: unknown): unknown {
  const failure = error instanceof AppError ? error.details.failure : undefined;
  const status = typeof failure === 'object' && failure !== null && 'status' in failure ? failure.status : undefined;
  if (!(error instanceof AppError) || (status !== 1 && status !== 2)) return error;
  return new AppError('source-unreadable', error.message, {
    cause: error,
    details: error.details,
    hint:
      status === 1
        ? 'Nothing but this run should use the temporary volume. See what else has mounted it, or has written to it, with: findmnt'
        : 'If the filesystem is damaged, archive the whole disk with --dd.',
  });
}
