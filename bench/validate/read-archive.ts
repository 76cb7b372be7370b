// Reading an archive to its end, proven, beside `aws s3 cp - | lz4 -d`; see bench/README.md.
// `node dist-bench/bench/validate/read-archive.js [--rounds 5] [--size 2GiB] [--only lz4,zstd] [--aws aws]`
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { archiveObject } from '../../src/commands/archive-object.js';
import { formatBytes, GiB, MiB, snapshotId, systemClock } from '../../src/core/index.js';
import { start, untilEnded } from '../../src/process/index.js';
import { administrator } from '../../sandbox/iam/index.js';
import { median } from '../process-facts.js';
import { chooseFiles } from '../migrate/real-files.js';
import { bucket, startStand, type Stand } from '../migrate/stand.js';
import { markdownTable } from '../migrate/table.js';
import { timed, type Timed } from '../migrate/timed.js';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'lz4,zstd' },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '2GiB' },
    aws: { type: 'string', default: 'aws' },
  },
});
const sizeBytes = Number(/^(\d+(?:\.\d+)?)GiB$/.exec(values.size)?.[1]) * GiB;
if (!(sizeBytes > 0)) throw new Error(`"${values.size}" is no size; write it as 2GiB.`);
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
const { signal } = interrupted;

const codecs = ['lz4', 'zstd'] as const;
type Codec = (typeof codecs)[number];

/** Archives real files as `migrate` does, and returns the bytes of the tar. */
async function archive(stand: Stand, codec: Codec): Promise<number> {
  const { paths } = await chooseFiles(sizeBytes);
  const list = join(stand.folder, 'files');
  await writeFile(list, paths.join('\0'));
  const client = new S3Client({
    endpoint: stand.url,
    region: stand.region,
    credentials: administrator,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  const { rawBytes } = await archiveObject(
    {
      snapshotId: snapshotId('snap-0123456789abcdef0'),
      target: { key: codec, contentType: 'application/octet-stream' },
      content: 'tar',
      codec,
      level: codec === 'lz4' ? 1 : 3,
      expectedBytes: sizeBytes,
      boundBytes: 2 * sizeBytes,
      uploadStreams: 2,
      open: () =>
        untilEnded(
          start(['tar', '-C', '/', '--format=posix', '--null', `--files-from=${list}`, '-cf', '-'], { signal }),
        ),
    },
    {
      store: { client, bucket, clock: systemClock, temporaryDirectory: tmpdir() },
      clock: systemClock,
      events: () => undefined,
      parallelism: availableParallelism(),
      signal,
    },
  );
  client.destroy();
  return rawBytes;
}

async function measure(stand: Stand, codec: Codec): Promise<readonly string[]> {
  const rawBytes = await archive(stand, codec);
  const drain = join(import.meta.dirname, 'drain-process.js');
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/root', ...stand.administratorEnvironment };
  const cp = `${values.aws} s3 cp s3://${bucket}/${codec} - --endpoint-url ${stand.url} --only-show-errors`;
  const lines = {
    ours: `${process.execPath} ${drain} ${codec} ${codec} ${rawBytes}`,
    peer: `${cp} | ${codec} -d -c -q > /dev/null`,
  };
  const runs: Record<keyof typeof lines, Timed[]> = { ours: [], peer: [] };
  // The first pair does not count.
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const who of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
      const run = await timed(lines[who], { env, signal });
      if (round > 0) runs[who].push(run);
    }
  }
  const of = (who: keyof typeof lines, value: (run: Timed) => number): number => median(runs[who].map(value));
  const [ours, peer] = [of('ours', ({ seconds }) => seconds), of('peer', ({ seconds }) => seconds)];
  return [
    `aws s3 cp - | ${codec} -d`,
    formatBytes(rawBytes),
    `${ours.toFixed(2)} s`,
    `${peer.toFixed(2)} s`,
    `${(peer / ours).toFixed(2)}x`,
    `${((of('ours', ({ cpuSeconds }) => cpuSeconds) * GiB) / rawBytes).toFixed(2)} / ${((of('peer', ({ cpuSeconds }) => cpuSeconds) * GiB) / rawBytes).toFixed(2)}`,
    `${Math.max(...runs.ours.map(({ peakMiB }) => peakMiB.get('node') ?? NaN))}`,
    `${Math.round(rawBytes / MiB / ours)}`,
  ];
}

await using stand = await startStand();
const head = ['against', 'tar', 'ours', 'pipeline', 'faster', 'CPU s/GiB ours / pipeline', 'peak MiB', 'MiB/s'];
const rows: (readonly string[])[] = [head];
for (const codec of codecs) if (values.only.split(',').includes(codec)) rows.push(await measure(stand, codec));
console.log(markdownTable(rows));
