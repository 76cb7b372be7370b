import { join } from 'node:path';
import { formatBytes, GiB } from '../../src/core/index.js';
import { startStand } from './stand.js';
import { markdownTable } from './table.js';
import { timed } from './timed.js';

const generator = join(import.meta.dirname, 'generated-process.cjs');

/** Archives a small and a large generated stream and prints the peak of the memory of the process for each. */
export async function measureMemory(options: {
  readonly largeBytes: number;
  readonly signal: AbortSignal;
}): Promise<void> {
  await using stand = await startStand();
  const rows: string[][] = [];
  for (const bytes of [2 * GiB, options.largeBytes]) {
    const { seconds, cpuSeconds, peakMiB } = await timed(`${process.execPath} ${generator} ${bytes}`, {
      env: { PATH: process.env.PATH ?? '', ...stand.administratorEnvironment },
      signal: options.signal,
    });
    const stored = await stand.sizeOf('generated');
    await stand.emptyBucket();
    rows.push([
      formatBytes(bytes),
      formatBytes(stored),
      `${seconds.toFixed(1)} s`,
      ((cpuSeconds * GiB) / bytes).toFixed(2),
      String(peakMiB.get('node')),
    ]);
  }
  console.log(
    'A generated stream through archive, upload and index, one part at a time (wanted: under 300 MiB, and flat):\n',
  );
  console.log(`${markdownTable([['stream', 'stored', 'time', 'CPU s/GiB', 'peak MiB'], ...rows])}\n`);
}
