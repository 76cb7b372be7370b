import { basename, dirname } from 'node:path';
import { stat } from 'node:fs/promises';
import { start } from '../../../src/process/index.js';

/** A piece of a file that has bytes: what lies between two is a hole. */
export interface DataRange {
  readonly offset: number;
  readonly bytes: number;
}

const tarBlockBytes = 512;

/**
 * The data of a sparse file, ascending. Node cannot ask the kernel for holes (`SEEK_DATA`); GNU tar does, and writes
 * what it found at the head of an archive (format "PAX 1.0"), of which nothing else is read: the time goes by the number
 * of ranges, not by the size of the file. Throws `program-missing` or `program-failed`.
 */
export async function* dataRanges(file: string): AsyncGenerator<DataRange> {
  const { size, blocks } = await stat(file);
  if (blocks === 0) return;
  const tar = start([
    ...['tar', '--create', '--format=posix', '--sparse', '--sparse-version=1.0', '--hole-detection=seek'],
    ...['--directory', dirname(file), '--file=-', '--', basename(file)],
  ]);
  tar.stdin.end();
  const archive = reader(tar.stdout as AsyncIterable<Buffer>);
  try {
    const pax = await archive.block();
    const paxBytes = octal(pax, 124);
    const records = (await archive.bytes(paxBytes)).toString('utf8');
    // A file without holes is an ordinary member.
    if (!records.includes('GNU.sparse.major=1\n')) yield { offset: 0, bytes: size };
    else {
      await archive.block();
      const count = await archive.number();
      for (let index = 0; index < count; index += 1) {
        const range = { offset: await archive.number(), bytes: await archive.number() };
        if (range.bytes > 0) yield range;
      }
    }
  } catch (error) {
    // It says best itself why its output ended.
    tar.stdout.destroy();
    await tar.ended;
    throw error;
  } finally {
    tar.kill('SIGKILL');
    tar.stdout.destroy();
    // It was ended in the middle of its work: that it failed is no failure.
    await tar.ended.catch(() => undefined);
  }
}

/** A number of a tar header: octal digits. */
function octal(header: Buffer, offset: number): number {
  return Number.parseInt(header.toString('latin1', offset, offset + 11), 8);
}

/** Reads an archive from its start, as far as it is asked to. */
function reader(source: AsyncIterable<Buffer>): {
  block(): Promise<Buffer>;
  /** So many bytes; the rest of their last block is skipped. */
  bytes(count: number): Promise<Buffer>;
  /** Decimal digits up to the end of a line. */
  number(): Promise<number>;
} {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let rest = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { done, value } = await chunks.next();
    if (done === true) throw new Error('The archive ended before its list of data was complete.');
    rest = Buffer.concat([rest, value]);
  };
  const take = async (count: number): Promise<Buffer> => {
    while (rest.length < count) await more();
    const taken = rest.subarray(0, count);
    rest = rest.subarray(count);
    return taken;
  };
  return {
    block: () => take(tarBlockBytes),
    bytes: async (count) => (await take(Math.ceil(count / tarBlockBytes) * tarBlockBytes)).subarray(0, count),
    number: async () => {
      while (!rest.includes(0x0a)) await more();
      const end = rest.indexOf(0x0a);
      const digits = rest.toString('latin1', 0, end);
      rest = rest.subarray(end + 1);
      return Number(digits);
    },
  };
}
