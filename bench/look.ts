// What looking into an archive of very many files takes; see bench/README.md.
// `npm run bench:look -- [--files 1000000] [--rounds 5]`
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { formatBytes, messageOf } from '../src/core/index.js';
import { run } from '../src/process/index.js';
import { bucket, command, startStand } from './migrate/stand.js';
import { markdownTable } from './migrate/table.js';
import { timed } from './migrate/timed.js';
import { secondsText } from './process-facts.js';
import { makeManyFiles } from './validate/many-files.js';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { values } = parseArgs({
  options: { files: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '5' } },
});
const files = Number(values.files);
const interrupted = new AbortController();
const { signal } = interrupted;
process.once('SIGINT', () => interrupted.abort());

try {
  if (process.getuid?.() !== 0) throw new Error('Volumes become devices of this machine: run it as root.');
  console.log(`${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${formatBytes(totalmem())};`);
  console.log(`command: npm run bench:look -- ${process.argv.slice(2).join(' ')}\n`);
  await using stand = await startStand();
  const sizeGiB = Math.ceil(files / 60_000);
  const last = String(Math.floor((files - 1) / 1_000)).padStart(6, '0');
  const id = await stand.snapshot(sizeGiB, (to) => makeManyFiles(to, files));
  // A file before all others moves them, and those of one folder have changed.
  const other = await stand.snapshot(sizeGiB, async (to) => {
    await makeManyFiles(to, files);
    await run(['bash', '-ec', `echo new > '!first'; for file in ${last}/*; do echo more >> "$file"; done`], {
      cwd: to,
    });
  });
  const env = { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment };
  const migrate = `${process.execPath} ${command} migrate --snapshots ${id} ${other} --bucket ${bucket}`;
  await timed(`${migrate} --mount-point ${stand.mountPoint} --json`, { env, signal });
  const rows: string[][] = [];
  for (const what of [
    `ls ${id}`,
    `ls ${id} 000000`,
    `ls ${id} ${last}`,
    `find ${id} file-777*.txt`,
    `diff ${id} ${other}`,
    `inspect ${id}`,
    'list',
  ]) {
    await run(['sync']);
    const seconds: number[] = [];
    let peak = 0;
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const line = `set -f; ${process.execPath} ${command} ${what} --bucket ${bucket} > /dev/null`;
      const result = await timed(line, { env, signal });
      seconds.push(result.seconds);
      peak = Math.max(peak, result.peakMiB.get('node') ?? NaN);
    }
    rows.push([
      what.replaceAll(id, 'snap-…').replaceAll(other, 'snap-…').replaceAll('*', '\\*'),
      secondsText(seconds),
      String(peak),
    ]);
  }
  console.log(`${files.toLocaleString('en-US')} files (wanted: 3 s each, 300 MB, that is 286 MiB):\n`);
  console.log(`${markdownTable([['command', 'time', 'peak MiB'], ...rows])}\n`);
} catch (error) {
  console.error(signal.aborted ? 'Interrupted.' : messageOf(error));
  process.exitCode = 1;
}
