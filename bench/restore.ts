// What restoring takes, beside lines of shell that do the same; see bench/README.md.
// `npm run bench:restore -- [--only directory,file] [--rounds 5] [--size 2GiB] [--aws aws]`
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { count, formatBytes, GiB, messageOf, systemClock } from '../src/core/index.js';
import { run, runText } from '../src/process/index.js';
import { chooseFiles, copyFiles } from './migrate/real-files.js';
import { bucket, command, startStand, type Stand } from './migrate/stand.js';
import { markdownTable } from './migrate/table.js';
import { timed, type Timed } from './migrate/timed.js';
import { median, secondsText } from './process-facts.js';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'directory,file' },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '2GiB' },
    aws: { type: 'string', default: 'aws' },
  },
});
const rounds = Number(values.rounds);
const sizeBytes = Number(/^(\d+(?:\.\d+)?)GiB$/.exec(values.size)?.[1]) * GiB;
const interrupted = new AbortController();
const { signal } = interrupted;
process.once('SIGINT', () => interrupted.abort());

/** `restore` and what does the same; `$FETCH` writes the object to standard output, `$TO` is where it goes. */
interface Pair {
  readonly name: string;
  readonly migrate: string;
  readonly restore: string;
  readonly peer: string;
  readonly told: string;
  readonly wanted: string;
}

const pairs: readonly Pair[] = [
  {
    name: 'directory',
    migrate: '',
    restore: '--to-directory "$TO" --devices',
    peer: 'mkdir "$TO" && $FETCH | lz4 -d -q | tar -C "$TO" -xf -',
    told: 'aws s3 cp - \\| lz4 -d \\| tar -x',
    wanted: '1x',
  },
  {
    name: 'file',
    migrate: '--dd',
    restore: '--to-file "$TO"',
    peer: '$FETCH | lz4 -d -q | dd bs=1M of="$TO" status=none',
    told: 'aws s3 cp - \\| lz4 -d \\| dd bs=1M',
    wanted: '1.5x',
  },
];

async function measure(pair: Pair, stand: Stand, snapshotId: string): Promise<readonly string[]> {
  await stand.emptyBucket();
  const env = { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment };
  let [key, rawBytes] = ['', NaN];
  const migrate = `${process.execPath} ${command} migrate --snapshots ${snapshotId} --keep-temp-volumes --json`;
  await timed(`${migrate} ${pair.migrate} --bucket ${bucket} --mount-point ${stand.mountPoint}`, {
    env,
    signal,
    onLine: (line) => {
      const event = JSON.parse(line) as { kind: string; object?: { key: string; rawBytes: number } };
      if (event.kind === 'object-archived') ({ key, rawBytes } = event.object ?? { key, rawBytes });
    },
  });
  const to = join(stand.folder, 'restored');
  const cleared = async (work: () => Promise<Timed>): Promise<Timed> => {
    await run(['rm', '-rf', to]);
    await run(['sync']);
    const startedMs = systemClock.now();
    const result = await work();
    // What the kernel has still to write is a part of the work.
    await run(['sync', '--file-system', stand.folder]);
    return { ...result, seconds: (systemClock.now() - startedMs) / 1000 };
  };
  const ours = (): Promise<Timed> =>
    cleared(() =>
      timed(`${process.execPath} ${command} restore ${snapshotId} --bucket ${bucket} --json ${pair.restore}`, {
        env: { ...env, TO: to },
        signal,
      }),
    );
  const fetch = `fetch() { ${values.aws} s3 cp "s3://${bucket}/$KEY" - --endpoint-url ${stand.url} --only-show-errors; }`;
  const peers = (): Promise<Timed> =>
    cleared(() =>
      timed(`${fetch}; ${pair.peer}`, {
        env: {
          ...env,
          ...stand.administratorEnvironment,
          HOME: process.env.HOME ?? '/root',
          KEY: key,
          FETCH: 'fetch',
          TO: to,
        },
        signal,
      }),
    );
  const [our, their]: [Timed[], Timed[]] = [[], []];
  await ours();
  await peers();
  for (let round = 0; round < rounds; round += 1) {
    const turns = [async () => void our.push(await ours()), async () => void their.push(await peers())];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  await run(['rm', '-rf', to]);
  const seconds = (runs: readonly Timed[]): number[] => runs.map((one) => one.seconds);
  const cpu = (runs: readonly Timed[]): string =>
    (median(runs.map(({ cpuSeconds }) => cpuSeconds)) / (rawBytes / GiB)).toFixed(2);
  return [
    pair.told,
    secondsText(seconds(our)),
    secondsText(seconds(their)),
    `${(median(seconds(their)) / median(seconds(our))).toFixed(2)}x`,
    pair.wanted,
    `${cpu(our)} / ${cpu(their)}`,
    String(Math.max(...our.map(({ peakMiB }) => peakMiB.get('node') ?? NaN))),
  ];
}

try {
  if (process.getuid?.() !== 0) throw new Error('Volumes become devices of this machine: run it as root.');
  if (!(sizeBytes > 0)) throw new Error(`"${values.size}" is no size; write it as 2GiB.`);
  const awsVersion = (await runText([values.aws, '--version'])).split(' ')[0] ?? '';
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${formatBytes(totalmem())}`;
  console.log(`${machine}, Node ${process.versions.node}, ${awsVersion};`);
  console.log(`command: npm run bench:restore -- ${process.argv.slice(2).join(' ')}\n`);
  await using stand = await startStand();
  const files = await chooseFiles(sizeBytes);
  const sizeGiB = Math.ceil((files.bytes * 1.25) / GiB);
  const id = await stand.snapshot(sizeGiB, (to) => copyFiles(files, { to, list: join(stand.folder, 'list') }));
  console.log(
    `${count(files.paths.length, 'real file')} of ${formatBytes(files.bytes)} on a disk of ${sizeGiB} GiB, lz4;`,
  );
  console.log(`medians of ${rounds} alternating rounds, lowest and highest in brackets.\n`);
  const rows: (readonly string[])[] = [];
  for (const pair of pairs.filter(({ name }) => values.only.split(',').includes(name))) {
    rows.push(await measure(pair, stand, id));
  }
  const head = ['restore against', 'command', 'by hand', 'faster', 'wanted', 'CPU s/GiB ours / by hand', 'peak MiB'];
  console.log(`${markdownTable([head, ...rows])}\n`);
} catch (error) {
  console.error(signal.aborted ? 'Interrupted.' : messageOf(error));
  process.exitCode = 1;
}
