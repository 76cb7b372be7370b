import { AppError, formatBytes, messageOf } from '../../core/index.js';

/** What DuckDB is given. */
export interface Resources {
  readonly memoryBytes: number;
  readonly temporaryDirectory: string;
  readonly threads: number;
}

/** A thread that reads CSV holds several pieces, each as long as the longest line that we allow. */
const bytesPerThread = 128e6;

/** As many threads as there is memory for, at least one. */
export function threadsFor({ threads, memoryBytes }: Pick<Resources, 'threads' | 'memoryBytes'>): number {
  return Math.max(1, Math.min(threads, Math.floor(memoryBytes / bytesPerThread)));
}

/** True where DuckDB has less memory than it takes, and not where the disk has no room for what it would put there. */
export function isOutOfMemory(error: unknown): boolean {
  return messageOf(error).startsWith('Out of Memory Error') && !isDiskFull(error);
}

function isDiskFull(error: unknown): boolean {
  return /failed to offload|max_temp_directory_size|No space left on device|Disk quota exceeded/i.test(
    messageOf(error),
  );
}

/** Says what is short where memory or the disk did not do: `usage` or `disk-full`; undefined for every other failure. */
export function resourceFailure(
  error: unknown,
  { where, memoryBytes, temporaryDirectory }: Omit<Resources, 'threads'> & { readonly where: string },
): AppError | undefined {
  const more = `--memory ${Math.max(128, Math.ceil((2 * memoryBytes) / 1e6))}MB`;
  if (isDiskFull(error)) {
    const text = `There is no room in ${temporaryDirectory} for what reading ${where} takes beyond --memory.`;
    return new AppError('disk-full', text, {
      hint: `Set TMPDIR to a directory with more room, or give ${more}`,
      cause: error,
    });
  }
  if (!isOutOfMemory(error)) return undefined;
  const text = `Reading ${where} takes more memory than --memory allows, which is ${formatBytes(memoryBytes)}.`;
  return new AppError('usage', text, { hint: `Allow more, for example: ${more}`, cause: error });
}
