import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/process/index.js';
import { bucket, command, startStand } from '../migrate/stand.js';
import { markdownTable } from '../migrate/table.js';
import { timed } from '../migrate/timed.js';

const perDirectory = 1_000;

/** Archives and validates a disk of very many small files, and prints the peak of the memory of the command. */
export async function measureManyFiles({ files, signal }: { readonly files: number; readonly signal: AbortSignal }) {
  await using stand = await startStand();
  const snapshotId = await stand.snapshot(Math.ceil(files / 60_000), (to) => makeManyFiles(to, files));
  const env = { PATH: process.env.PATH ?? '', HOME: stand.folder, ...stand.environment };
  const common = `--snapshots ${snapshotId} --bucket ${bucket} --keep-temp-volumes --json`;
  const rows: string[][] = [];
  for (const what of ['migrate', 'validate', 'validate --against index']) {
    await run(['sync']);
    const place = what.endsWith('index') ? '' : `--mount-point ${stand.mountPoint}`;
    const { seconds, cpuSeconds, peakMiB } = await timed(`${process.execPath} ${command} ${what} ${common} ${place}`, {
      env,
      signal,
    });
    rows.push([what, `${seconds.toFixed(1)} s`, `${cpuSeconds.toFixed(1)} s`, String(peakMiB.get('node'))]);
  }
  console.log(`${files.toLocaleString('en-US')} files of some bytes (wanted: under 400 MB, that is 381 MiB):\n`);
  console.log(`${markdownTable([['command', 'time', 'CPU', 'peak MiB'], ...rows])}\n`);
}

/** Makes so many files of some bytes, a thousand in each folder; made again, they are the same, times and all. */
export function makeManyFiles(folder: string, files: number): Promise<void> {
  for (let first = 0; first < files; first += perDirectory) {
    const directory = join(folder, String(first / perDirectory).padStart(6, '0'));
    mkdirSync(directory);
    for (let index = first; index < Math.min(first + perDirectory, files); index += 1) {
      const file = join(directory, `file-${index}.txt`);
      writeFileSync(file, `The file ${index}.\n`);
      utimesSync(file, madeAt, madeAt);
    }
    utimesSync(directory, madeAt, madeAt);
  }
  return Promise.resolve();
}

const madeAt = new Date('2026-01-01T00:00:00Z');
