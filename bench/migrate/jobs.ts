import { join } from 'node:path';
import { MiB } from '../../src/core/index.js';
import { runText } from '../../src/process/index.js';
import { median } from '../process-facts.js';
import { chooseFiles, copyFiles } from './real-files.js';
import { bucket, command, startStand, type Stand } from './stand.js';
import { markdownTable } from './table.js';
import { timed } from './timed.js';

const atOnce = 4;
const lazyLoading = { bytesPerSecond: 20 * MiB, latencyMs: 0 };
const filesBytes = 400 * MiB;

/** Takes four snapshots one after the other and four at once, from volumes that load slowly, and prints how long it takes. */
export async function measureJobs(options: { readonly rounds: number; readonly signal: AbortSignal }): Promise<void> {
  const help = await runText([process.execPath, command, 'migrate', '--help']);
  const hasOption = help.includes('--jobs');
  await using stand = await startStand({ lazyLoading });
  const files = await chooseFiles(filesBytes);
  const ids: string[] = [];
  for (let index = 0; index < atOnce; index += 1) {
    ids.push(await stand.snapshot(1, (to) => copyFiles(files, { to, list: join(stand.folder, 'list') })));
  }
  const each: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    each.push(await migrated(oneByOne(ids, stand, hasOption), stand, options.signal));
    together.push(await migrated(allAtOnce(ids, stand, hasOption), stand, options.signal));
  }
  const how = hasOption ? `--jobs ${atOnce}` : `${atOnce} processes at once (no --jobs yet)`;
  const ratio = median(each) / median(together);
  console.log(`${atOnce} snapshots with 400 MiB of real files each, lazy loading at 20 MiB/s for each volume:\n`);
  const rows = [
    ['one by one', how, 'faster', 'wanted'],
    [`${median(each).toFixed(1)} s`, `${median(together).toFixed(1)} s`, `${ratio.toFixed(2)}x`, '3.5x'],
  ];
  console.log(`${markdownTable(rows)}\n`);
}

async function migrated(line: string, stand: Stand, signal: AbortSignal): Promise<number> {
  await stand.emptyBucket();
  const env = { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment };
  return (await timed(line, { env, signal })).seconds;
}

function migrate(ids: readonly string[], place: string): string {
  return `${process.execPath} ${command} migrate --snapshots ${ids.join(' ')} --bucket ${bucket} --json --mount-point ${place}`;
}

function oneByOne(ids: readonly string[], { mountPoint }: Stand, hasOption: boolean): string {
  return `${migrate(ids, mountPoint)}${hasOption ? ' --jobs 1' : ''}`;
}

function allAtOnce(ids: readonly string[], { mountPoint }: Stand, hasOption: boolean): string {
  if (hasOption) return `${migrate(ids, mountPoint)} --jobs ${ids.length}`;
  const started = ids.map((id) => `${migrate([id], mountPoint)} & pids+=($!);`).join(' ');
  return `pids=(); ${started} for pid in "\${pids[@]}"; do wait "$pid" || exit 1; done`;
}
