// What validating takes, beside what one would do by hand; see bench/README.md.
// `npm run bench:validate -- [--only tar,tar-one-by-one,image,files] [--rounds 5] [--size 2GiB] [--files 1000000] [--aws aws]`
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { count, formatBytes, GiB, messageOf } from '../src/core/index.js';
import { runText } from '../src/process/index.js';
import { chooseFiles, copyFiles } from './migrate/real-files.js';
import { startStand } from './migrate/stand.js';
import { markdownTable } from './migrate/table.js';
import { measureByHand, byHand, byHandHead } from './validate/by-hand.js';
import { measureManyFiles } from './validate/many-files.js';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'tar,tar-one-by-one,image,files' },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '2GiB' },
    files: { type: 'string', default: '1000000' },
    aws: { type: 'string', default: 'aws' },
  },
});
const wanted = values.only.split(',');
const sizeBytes = Number(/^(\d+(?:\.\d+)?)GiB$/.exec(values.size)?.[1]) * GiB;
const interrupted = new AbortController();
const { signal } = interrupted;
process.once('SIGINT', () => interrupted.abort());

async function compare(): Promise<void> {
  const chosen = byHand.filter(({ name }) => wanted.includes(name));
  if (chosen.length === 0) return;
  await using stand = await startStand();
  const files = await chooseFiles(sizeBytes);
  const sizeGiB = Math.ceil((files.bytes * 1.25) / GiB);
  const snapshotId = await stand.snapshot(sizeGiB, (to) => copyFiles(files, { to, list: join(stand.folder, 'list') }));
  console.log(
    `${count(files.paths.length, 'real file')} of ${formatBytes(files.bytes)} on a disk of ${sizeGiB} GiB, lz4;`,
  );
  console.log(`medians of ${values.rounds} alternating rounds, lowest and highest in brackets.\n`);
  const rows: (readonly string[])[] = [];
  const options = { stand, snapshotId, rounds: Number(values.rounds), aws: values.aws, signal };
  for (const one of chosen) rows.push(await measureByHand(one, options));
  console.log(`${markdownTable([byHandHead, ...rows])}\n`);
}

try {
  if (process.getuid?.() !== 0) throw new Error('Volumes become devices of this machine: run it as root.');
  if (!(sizeBytes > 0)) throw new Error(`"${values.size}" is no size; write it as 2GiB.`);
  const awsVersion = (await runText([values.aws, '--version'])).split(' ')[0] ?? '';
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${formatBytes(totalmem())}`;
  console.log(`${machine}, Node ${process.versions.node}, ${awsVersion};`);
  console.log(`command: npm run bench:validate -- ${process.argv.slice(2).join(' ')}\n`);
  await compare();
  if (wanted.includes('files')) await measureManyFiles({ files: Number(values.files), signal });
} catch (error) {
  console.error(signal.aborted ? 'Interrupted.' : messageOf(error));
  process.exitCode = 1;
}
