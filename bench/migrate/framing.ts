import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { frame, frameBytesFor } from '../../src/archive/index.js';
import { compressor } from '../../src/codec/index.js';
import { formatBytes, MiB } from '../../src/core/index.js';
import { run, start } from '../../src/process/index.js';
import { chooseFiles, copyFiles } from './real-files.js';
import { markdownTable } from './table.js';

const codecs = [
  { codec: 'lz4', level: 1 },
  { codec: 'zstd', level: 3 },
  // Three megabytes a second: a piece must do.
  { codec: 'zstd', level: 19, mostBytes: 256 * MiB },
] as const;

/** Compresses one tar of real files in frames, and in one frame by the plain program, and prints what the frames cost. */
export async function measureFraming(options: {
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-bench-'));
  try {
    const tar = join(folder, 'files.tar');
    const list = join(folder, 'list');
    await copyFiles(await chooseFiles(options.sizeBytes), { to: folder, list });
    await run(['tar', '--create', `--file=${tar}`, `--directory=${folder}`, '--exclude=files.tar', '.']);
    const { size } = await stat(tar);
    const rows: string[][] = [];
    for (const { codec, level, ...limit } of codecs) {
      const bytes = Math.min(size, 'mostBytes' in limit ? limit.mostBytes : size);
      const framed = await sizeOf(
        frame({
          frameBytes: frameBytesFor({ codec, level, expectedRawBytes: bytes }),
          concurrency: availableParallelism(),
          compress: compressor(codec, level),
        })(createReadStream(tar, { end: bytes - 1 })),
      );
      const program = start(['bash', '-c', `head -c ${bytes} "$0" | ${codec} -${level} -q -c`, tar], { signal });
      const plain = await sizeOf(program.stdout as AsyncIterable<Buffer>);
      await program.ended;
      rows.push([
        `${codec} ${level}`,
        formatBytes(bytes),
        formatBytes(framed),
        formatBytes(plain),
        `${(((framed - plain) * 100) / plain).toFixed(2)} %`,
      ]);
    }
    console.log(
      'Size of all frames with their table, against one frame of the plain program (wanted: under 2 % more):\n',
    );
    console.log(`${markdownTable([['codec', 'raw', 'ours', 'program', 'more'], ...rows])}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sizeOf(source: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const piece of source) bytes += piece.length;
  return bytes;
}
