/** As much is read from a file at a time: what fits the cache of a core is sent faster. */
const readBytes = 256 * 1024;
/** More than that are not kept while nobody uses them: 8 MiB. */
const mostIdle = 32;

/** Memory to read files into. Fresh memory costs the operating system more than the reading does, so it is kept. */
export interface ReadBuffers {
  /** A buffer for a file of which that many bytes are wanted. */
  take(bytes: number): Buffer;
  /** Gives a buffer back that nobody uses any more. */
  give(buffer: Buffer): void;
}

/** Begins with none. */
export function newReadBuffers(): ReadBuffers {
  const idle: Buffer[] = [];
  return {
    take: (bytes) =>
      bytes < readBytes ? Buffer.allocUnsafe(bytes) : (idle.pop() ?? Buffer.allocUnsafeSlow(readBytes)),
    give: (buffer) => {
      if (buffer.length === readBytes && idle.length < mostIdle) idle.push(buffer);
    },
  };
}
