import { GiB, systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { median, secondsText } from '../process-facts.js';
import { bucket, command, type Stand } from '../migrate/stand.js';
import { timed, type Timed } from '../migrate/timed.js';

/** `validate` and what one would do without it. */
export interface ByHand {
  readonly name: string;
  /** What `migrate` is told besides the snapshot. */
  readonly options: string;
  /**
   * Bash: `$FETCH` writes the object to standard output, `$DEVICE` is the volume's, mounted at `$MOUNTED`, `$FOLDER` an
   * empty folder. Fails when the sides differ.
   */
  readonly peer: string;
  /** As the table tells it. */
  readonly told: string;
  readonly wantedRatio: number;
}

const sums = (each: string) =>
  [
    '$FETCH | lz4 -d -q | tar -C "$FOLDER" -xf -',
    `archived=$(cd "$FOLDER" && find . -type f -exec md5sum {} ${each} | sort -k 2 | md5sum)`,
    `original=$(cd "$MOUNTED" && find . -type f -exec md5sum {} ${each} | sort -k 2 | md5sum)`,
    '[ "$archived" = "$original" ]',
  ].join(' && ');

/** What is compared. */
export const byHand: readonly ByHand[] = [
  {
    name: 'tar',
    options: '',
    peer: sums('+'),
    told: 'aws s3 cp - | lz4 -d | tar -x, then find -type f -exec md5sum {} + on both sides',
    wantedRatio: 2,
  },
  {
    name: 'tar-one-by-one',
    options: '',
    peer: sums('\\;'),
    told: 'the same with -exec md5sum {} \\;',
    wantedRatio: 2,
  },
  {
    name: 'image',
    options: '--dd',
    peer: [
      'exec 5< <(sha256sum < "$DEVICE")',
      'archived=$($FETCH | lz4 -d -q | sha256sum)',
      'original=$(cat <&5)',
      '[ "$archived" = "$original" ]',
    ].join(' && '),
    told: 'aws s3 cp - | lz4 -d | sha256sum beside sha256sum DEVICE',
    wantedRatio: 1.5,
  },
];

interface OurRun extends Timed {
  /** From the first byte read to the verdict, without claim, attachment and cleaning up. */
  readonly phaseSeconds: number;
}

/** What a measurement needs. */
export interface ByHandOptions {
  readonly stand: Stand;
  readonly snapshotId: string;
  readonly rounds: number;
  /** The `aws` of the peer. */
  readonly aws: string;
  readonly signal: AbortSignal;
}

/** The head of the table whose rows are {@link measureByHand}'s. */
export const byHandHead = [
  'validate against',
  'command',
  'validating phase',
  'by hand',
  'faster (command)',
  'faster (phase)',
  'wanted',
  'CPU s/GiB ours / by hand',
  'peak MiB',
];

/** Archives the snapshot and measures in alternating rounds, after one of each that does not count. */
export async function measureByHand(one: ByHand, options: ByHandOptions): Promise<readonly string[]> {
  const { stand, snapshotId, signal } = options;
  const env = { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment };
  await stand.emptyBucket();
  let key = '';
  let rawBytes = NaN;
  const migrate = `${process.execPath} ${command} migrate --snapshots ${snapshotId} --keep-temp-volumes --json`;
  await timed(`${migrate} ${one.options} --bucket ${bucket} --mount-point ${stand.mountPoint}`, {
    env,
    signal,
    onLine: (line) => {
      const event = JSON.parse(line) as { kind: string; object?: { key: string; rawBytes: number } };
      if (event.kind === 'object-archived') ({ key, rawBytes } = event.object ?? { key, rawBytes });
    },
  });
  const ours: OurRun[] = [];
  const peers: Timed[] = [];
  await runOurs(options);
  await runPeer(one, key, options);
  for (let round = 0; round < options.rounds; round += 1) {
    const turns = [
      async () => void ours.push(await runOurs(options)),
      async () => void peers.push(await runPeer(one, key, options)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const gib = rawBytes / GiB;
  const of = <R>(runs: readonly R[], value: (run: R) => number): number => median(runs.map(value));
  const peer = of(peers, ({ seconds }) => seconds);
  const faster = (value: (run: OurRun) => number): string => `${(peer / of(ours, value)).toFixed(2)}x`;
  const cpu = (runs: readonly Timed[]): string => (of(runs, ({ cpuSeconds }) => cpuSeconds) / gib).toFixed(2);
  return [
    one.told,
    secondsText(ours.map(({ seconds }) => seconds)),
    secondsText(ours.map(({ phaseSeconds }) => phaseSeconds)),
    secondsText(peers.map(({ seconds }) => seconds)),
    faster(({ seconds }) => seconds),
    faster(({ phaseSeconds }) => phaseSeconds),
    `${one.wantedRatio}x`,
    `${cpu(ours)} / ${cpu(peers)}`,
    String(Math.max(...ours.map(({ peakMiB }) => peakMiB.get('node') ?? NaN))),
  ];
}

async function runOurs({ stand, snapshotId, signal }: ByHandOptions): Promise<OurRun> {
  await run(['sync']);
  let beganMs = NaN;
  let endedMs = NaN;
  const validate = `${process.execPath} ${command} validate --snapshots ${snapshotId} --keep-temp-volumes --json`;
  const result = await timed(`${validate} --bucket ${bucket} --mount-point ${stand.mountPoint}`, {
    env: { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment },
    signal,
    onLine: (line) => {
      const event = JSON.parse(line) as { kind: string; stage?: string };
      if (event.stage === 'validating') beganMs = systemClock.now();
      if (event.kind === 'object-validated') endedMs = systemClock.now();
    },
  });
  return { ...result, phaseSeconds: (endedMs - beganMs) / 1000 };
}

async function runPeer({ peer }: ByHand, key: string, options: ByHandOptions): Promise<Timed> {
  const { stand, snapshotId, aws, signal } = options;
  const place = `${stand.folder}/peer`;
  const folder = `${stand.folder}/extracted`;
  await run(['mkdir', '-p', place, folder]);
  await run(['sync']);
  try {
    return await stand.withKeptVolume(snapshotId, async (device) => {
      await run(['mount', '-o', 'ro', device, place]);
      try {
        const fetch = `fetch() { ${aws} s3 cp "s3://${bucket}/$KEY" - --endpoint-url ${stand.url} --only-show-errors; }`;
        const env = {
          PATH: process.env.PATH ?? '',
          HOME: process.env.HOME ?? '/root',
          ...stand.administratorEnvironment,
          KEY: key,
          FETCH: 'fetch',
          DEVICE: device,
          MOUNTED: place,
          FOLDER: folder,
        };
        return await timed(`${fetch}; ${peer}`, { env, signal });
      } finally {
        await run(['umount', place]);
      }
    });
  } finally {
    await run(['rm', '-rf', folder]);
  }
}
