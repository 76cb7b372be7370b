import { AppError } from '../core/index.js';
import { isProgramFailure, throughProgram } from '../process/index.js';

/** Where a tar is extracted to, and how. */
export interface ExtractOptions {
  /** An empty directory. */
  readonly directory: string;
  /** Owners, devices and attributes of all namespaces can only be made by root. */
  readonly isRoot: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Takes each line that tar says. */
  readonly onWarning: (line: string) => void;
}

/**
 * GNU tar's arguments: everything that an archive has comes back. Its own defences are left on: it takes no absolute
 * names and none with `..`, and makes links that lead out of the directory only when everything else is written.
 */
export function extractArguments({ directory, isRoot }: Pick<ExtractOptions, 'directory' | 'isRoot'>) {
  return [
    'tar',
    '--extract',
    '--file=-',
    `--directory=${directory}`,
    '--numeric-owner',
    isRoot ? '--same-owner' : '--no-same-owner',
    '--preserve-permissions',
    '--acls',
    '--xattrs',
    isRoot ? '--xattrs-include=*' : '--xattrs-include=user.*',
    // Archives of other tools are in any order: a folder may come after what is in it.
    '--delay-directory-restore',
    // Times before 1970, and of clocks that were ahead, are what was on the disk.
    '--warning=no-timestamp',
  ] as const;
}

/**
 * Extracts a tar with GNU tar. Returns when everything is written and tar has ended well. Throws what the source throws,
 * `program-missing`, and `restore-failed` with what tar says.
 */
export async function extractTar(tar: AsyncIterable<Buffer>, options: ExtractOptions): Promise<void> {
  const extract = throughProgram(extractArguments(options), { onStderrLine: withoutAclsOnce(options) });
  try {
    // It prints nothing.
    for await (const _ of extract(tar, { signal: options.signal }));
  } catch (error) {
    throw explained(error, options.directory);
  }
}

/** tar says it of every file, whether that has an ACL or not: a filesystem that takes none. */
const noAcls = /^tar: acl_(?:set|delete_def)_file_at: .*: Operation not supported$/;

function withoutAclsOnce({ directory, onWarning }: ExtractOptions): (line: string) => void {
  let isSaid = false;
  return (line) => {
    if (!noAcls.test(line)) {
      onWarning(line);
      return;
    }
    if (!isSaid) onWarning(`The filesystem at ${directory} takes no ACLs; what comes back has none.`);
    isSaid = true;
  };
}

function explained(error: unknown, directory: string): unknown {
  if (!isProgramFailure(error)) return error;
  // What a disk took only a part of it tells so at first.
  const isFull = /No space left on device|Disk quota exceeded|Wrote only \d+ of/.test(error.message);
  return new AppError('restore-failed', `Writing to ${directory} failed: ${error.message}`, {
    cause: error,
    details: error.details,
    hint: isFull
      ? 'Name a directory with more room. The inspect command tells how large the archive is.'
      : 'See that the filesystem there takes owners, modes, links, extended attributes and ACLs, and run it again.',
  });
}
