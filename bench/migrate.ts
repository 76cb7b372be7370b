// What the command itself achieves, beside lines of shell that do the same; see bench/README.md.
// `npm run bench -- [--only lz4,zstd,image,loading,memory,framing,jobs] [--rounds 5] [--size 2GiB] [--stream 20GiB] [--aws aws]`
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LazyLoading } from '../sandbox/ec2/index.js';
import { count, formatBytes, GiB, messageOf, MiB } from '../src/core/index.js';
import { runText } from '../src/process/index.js';
import { measureFraming } from './migrate/framing.js';
import { measureJobs } from './migrate/jobs.js';
import { measureMemory } from './migrate/memory.js';
import { measurePair, pairHead, pairs, type Pair } from './migrate/pairs.js';
import { chooseFiles, copyFiles } from './migrate/real-files.js';
import { startStand } from './migrate/stand.js';
import { markdownTable } from './migrate/table.js';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'lz4,zstd,image,loading,memory,framing,jobs' },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '2GiB' },
    stream: { type: 'string', default: '20GiB' },
    aws: { type: 'string', default: 'aws' },
  },
});
const wanted = values.only.split(',');
const rounds = Number(values.rounds);
const interrupted = new AbortController();
const { signal } = interrupted;
process.once('SIGINT', () => interrupted.abort());

function gibibytes(text: string): number {
  const size = Number(/^(\d+(?:\.\d+)?)GiB$/.exec(text)?.[1]) * GiB;
  if (size > 0) return size;
  throw new Error(`"${text}" is no size; write it as 20GiB.`);
}

async function machine(): Promise<string> {
  const awsVersion = (await runText([values.aws, '--version'])).split(' ')[0] ?? '';
  const model = cpus()[0]?.model ?? 'unknown';
  return [
    `${availableParallelism()} cores (${model}), ${formatBytes(totalmem())}, Node ${process.versions.node}, ${awsVersion};`,
    `command: npm run bench -- ${process.argv.slice(2).join(' ')}`,
  ].join('\n');
}

/** A way in which pairs are compared. */
interface Comparison {
  readonly chosen: readonly Pair[];
  readonly volume: 'fresh' | 'kept';
  readonly lazyLoading?: LazyLoading;
  /** What the rounds are like, for who reads the figures; after "rounds, ". */
  readonly about: string;
}

const inMemory: Comparison = {
  chosen: pairs.filter(({ name }) => wanted.includes(name)),
  volume: 'kept',
  about:
    "lowest and highest in brackets. The volume's file is in memory\n" +
    'for both sides, what the kernel caches of the filesystem is not; what was stored before is written.',
};
/** With a new volume for every run, which is loaded from its snapshot while it is read, as on EC2. */
const loading: Comparison = {
  chosen: pairs.filter(({ name }) => wanted.includes('loading') || wanted.includes(`loading-${name}`)),
  volume: 'fresh',
  lazyLoading: { bytesPerSecond: 100 * MiB, latencyMs: 20 },
  about:
    'each on a new volume that is loaded while it is read:\n' +
    'each block of 512 KiB begins to come after 20 ms, all together come at 100 MiB/s.',
};

async function comparePairs({ chosen, volume, about, ...how }: Comparison): Promise<void> {
  if (chosen.length === 0) return;
  await using stand = await startStand(how);
  const files = await chooseFiles(gibibytes(values.size));
  const sizeGiB = Math.ceil((files.bytes * 1.25) / GiB);
  const snapshotId = await stand.snapshot(sizeGiB, (to) => copyFiles(files, { to, list: join(stand.folder, 'list') }));
  console.log(`${count(files.paths.length, 'real file')} of ${formatBytes(files.bytes)} on a disk of ${sizeGiB} GiB;`);
  console.log(`medians of ${rounds} alternating rounds, ${about}\n`);
  const rows: (readonly string[])[] = [];
  const options = { stand, snapshotId, volume, rounds, aws: values.aws, signal };
  for (const pair of chosen) rows.push(await measurePair(pair, options));
  console.log(`${markdownTable([pairHead, ...rows])}\n`);
}

try {
  if (process.getuid?.() !== 0) throw new Error('Volumes become devices of this machine: run it as root.');
  console.log(`${await machine()}\n`);
  await comparePairs(inMemory);
  await comparePairs(loading);
  if (wanted.includes('memory')) await measureMemory({ largeBytes: gibibytes(values.stream), signal });
  if (wanted.includes('framing')) await measureFraming({ sizeBytes: gibibytes(values.size), signal });
  if (wanted.includes('jobs')) await measureJobs({ rounds, signal });
} catch (error) {
  console.error(signal.aborted ? 'Interrupted.' : messageOf(error));
  process.exitCode = 1;
}
