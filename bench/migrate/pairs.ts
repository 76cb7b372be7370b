import { run } from '../../src/process/index.js';
import { GiB, systemClock } from '../../src/core/index.js';
import { median, secondsText } from '../process-facts.js';
import { bucket, command, type Stand } from './stand.js';
import { timed, type Timed } from './timed.js';

/** `migrate` and the line of shell that does the same work. */
export interface Pair {
  readonly name: string;
  /** What `migrate` is told besides the snapshot. */
  readonly options: string;
  /** The pipeline up to `aws`, in the mounted filesystem; `"$DEVICE"` is the whole disk. */
  readonly peer: string;
  readonly wantedRatio: number;
}

/** The pairs that are measured. */
export const pairs: readonly Pair[] = [
  { name: 'lz4', options: '--compression lz4', peer: 'tar -c . | lz4 -1', wantedRatio: 1.3 },
  {
    name: 'zstd',
    options: '--compression zstd --compression-level 3',
    peer: 'tar -c . | zstd -3 -q',
    wantedRatio: 1.5,
  },
  { name: 'image', options: '--dd', peer: 'dd if="$DEVICE" bs=256k status=none | lz4 -1', wantedRatio: 1.5 },
];

interface OurRun extends Timed {
  /** From the first byte read to S3's confirmation; without claim, attachment, manifest and cleaning up. */
  readonly archiveSeconds: number;
  readonly rawBytes: number;
  readonly standCpu: number;
}

interface PeerRun extends Timed {
  readonly standCpu: number;
}

/** What a measurement needs. */
export interface PairOptions {
  readonly stand: Stand;
  readonly snapshotId: string;
  /** Each run gets a new volume, or all the same. */
  readonly volume: 'fresh' | 'kept';
  readonly rounds: number;
  /** The `aws` of the peer. */
  readonly aws: string;
  readonly signal: AbortSignal;
}

/** The head of the table whose rows are {@link measurePair}'s. */
export const pairHead = [
  'migrate against',
  'command',
  'archive phase',
  'pipeline',
  'faster (command)',
  'faster (phase)',
  'wanted',
  'CPU s/GiB ours',
  'CPU s/GiB pipeline',
  'CPU s/GiB sandbox',
  'peak MiB',
];

/** Measures one pair in alternating rounds, after one of each that does not count. */
export async function measurePair(pair: Pair, options: PairOptions): Promise<readonly string[]> {
  const ours: OurRun[] = [];
  const peers: PeerRun[] = [];
  await runOurs(pair, options);
  await runPeer(pair, options);
  for (let round = 0; round < options.rounds; round += 1) {
    const turns = [
      async () => void ours.push(await runOurs(pair, options)),
      async () => void peers.push(await runPeer(pair, options)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const gib = (ours[0]?.rawBytes ?? NaN) / GiB;
  const of = <R>(runs: readonly R[], value: (one: R) => number): number => median(runs.map(value));
  const whole = of(ours, ({ seconds }) => seconds);
  const phase = of(ours, ({ archiveSeconds }) => archiveSeconds);
  const pipeline = of(peers, ({ seconds }) => seconds);
  return [
    pair.peer,
    secondsText(ours.map((one) => one.seconds)),
    secondsText(ours.map((one) => one.archiveSeconds)),
    secondsText(peers.map((one) => one.seconds)),
    `${(pipeline / whole).toFixed(2)}x`,
    `${(pipeline / phase).toFixed(2)}x`,
    `${pair.wantedRatio}x`,
    (of(ours, ({ cpuSeconds }) => cpuSeconds) / gib).toFixed(2),
    (of(peers, ({ cpuSeconds }) => cpuSeconds) / gib).toFixed(2),
    `${(of(ours, ({ standCpu }) => standCpu) / gib).toFixed(2)} / ${(of(peers, ({ standCpu }) => standCpu) / gib).toFixed(2)}`,
    String(Math.max(...ours.map(({ peakMiB }) => peakMiB.get('node') ?? NaN))),
  ];
}

async function runOurs({ options }: Pair, { stand, snapshotId, volume, signal }: PairOptions): Promise<OurRun> {
  await quiet(stand);
  let beganMs = 0;
  let endedMs = 0;
  let rawBytes = 0;
  const standBefore = stand.cpuSeconds();
  const common = `--bucket ${bucket} ${volume === 'kept' ? '--keep-temp-volumes ' : ''}--json --mount-point ${stand.mountPoint}`;
  const result = await timed(`${process.execPath} ${command} migrate --snapshots ${snapshotId} ${options} ${common}`, {
    env: { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment },
    signal,
    onLine: (line) => {
      const event = JSON.parse(line) as { kind: string; stage?: string; object?: { rawBytes: number } };
      if (event.stage === 'archiving') beganMs = systemClock.now();
      if (event.kind !== 'object-archived') return;
      endedMs = systemClock.now();
      rawBytes = event.object?.rawBytes ?? NaN;
    },
  });
  return {
    ...result,
    rawBytes,
    archiveSeconds: (endedMs - beganMs) / 1000,
    standCpu: stand.cpuSeconds() - standBefore,
  };
}

async function runPeer({ peer }: Pair, { stand, snapshotId, volume, aws, signal }: PairOptions): Promise<PeerRun> {
  await quiet(stand);
  const piped = async (device: string): Promise<PeerRun> => {
    const place = `${stand.folder}/peer`;
    await run(['mkdir', '-p', place]);
    await run(['mount', '-o', 'ro', device, place]);
    try {
      const standBefore = stand.cpuSeconds();
      const upload = `${aws} s3 cp - s3://${bucket}/peer --endpoint-url ${stand.url} --only-show-errors`;
      const env = {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '/root',
        ...stand.administratorEnvironment,
      };
      const result = await timed(`${peer} | ${upload}`, { env: { ...env, DEVICE: device }, cwd: place, signal });
      if (!((await stand.sizeOf('peer')) > 0)) throw new Error('The pipeline has stored nothing.');
      return { ...result, standCpu: stand.cpuSeconds() - standBefore };
    } finally {
      await run(['umount', place]);
    }
  };
  return volume === 'kept' ? stand.withKeptVolume(snapshotId, piped) : stand.withFreshVolume(snapshotId, piped);
}

/** Nothing of an earlier run is left to be written. The volume's own file stays in the page cache, for both alike. */
async function quiet(stand: Stand): Promise<void> {
  await stand.emptyBucket();
  await run(['sync']);
}
