// What reading cost reports takes, beside one plain query of DuckDB and csv-parse; see bench/README.md.
// `npm run bench:analyze -- [--lines 5000000] [--kind legacy|cur-2|focus] [--formats csv,csv.gz,zip,parquet]
// [--rounds 3] [--without csv-parse]`
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, messageOf } from '../src/core/index.js';
import { command } from './migrate/stand.js';
import { markdownTable } from './migrate/table.js';
import { timed, type Timed } from './migrate/timed.js';
import { median, secondsText } from './process-facts.js';
import { makeReport, type MadeReport, type ReportKind } from './report/make.js';

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '5000000' },
    kind: { type: 'string', default: 'legacy' },
    formats: { type: 'string', default: 'csv,csv.gz,parquet' },
    rounds: { type: 'string', default: '3' },
    memory: { type: 'string', default: '1GB' },
    without: { type: 'string', default: '' },
  },
});
const lines = Number(values.lines);
const kind = values.kind as ReportKind;
const interrupted = new AbortController();
const { signal } = interrupted;
process.once('SIGINT', () => interrupted.abort());
const peer = (name: string): string => join(import.meta.dirname, 'report', `${name}.js`);

const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-bench-'));
try {
  console.log(`${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${formatBytes(totalmem())};`);
  console.log(`command: npm run bench:analyze -- ${process.argv.slice(2).join(' ')}\n`);
  const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder };
  const rows: string[][] = [];
  for (const format of values.formats.split(',') as readonly MadeReport['format'][]) {
    const path = join(folder, `report-1.${format}`);
    await makeReport({ path, lines, format, kind });
    const contenders = new Map<string, string>([
      ['analyze', `${command} analyze ${path} --offline --json --memory ${values.memory}`],
      // The peers know the names of a legacy report only, and no zip.
      ...(kind !== 'legacy' || format === 'zip'
        ? []
        : [['one query of DuckDB', `${peer('plain-duckdb')} ${path}`] as const]),
      ...(kind !== 'legacy' || format === 'parquet' || format === 'zip' || values.without === 'csv-parse'
        ? []
        : [['csv-parse', `${peer('csv-parse')} ${path}`] as const]),
    ]);
    const results = new Map([...contenders.keys()].map((name): [string, Timed[]] => [name, []]));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const turns = round % 2 === 0 ? [...contenders] : [...contenders].reverse();
      for (const [name, line] of turns) {
        results.get(name)?.push(await timed(`${process.execPath} ${line} > /dev/null`, { env, signal }));
      }
    }
    const { size } = await stat(path);
    const ours = median(results.get('analyze')?.map(({ seconds }) => seconds) ?? []);
    for (const [name, runs] of results) {
      const seconds = runs.map((one) => one.seconds);
      const ratio = name === 'analyze' ? '' : `${(median(seconds) / ours).toFixed(2)}x`;
      const peak = Math.max(...runs.map(({ peakMiB }) => peakMiB.get('node') ?? NaN));
      rows.push([`${format}, ${formatBytes(size)}`, name, secondsText(seconds), ratio, String(peak)]);
    }
    await rm(path);
  }
  console.log(`${lines.toLocaleString('en-US')} lines, medians of ${values.rounds} rounds in turns:\n`);
  console.log(`${markdownTable([['report', 'read by', 'time', 'of ours', 'peak MiB'], ...rows])}\n`);
} catch (error) {
  console.error(signal.aborted ? 'Interrupted.' : messageOf(error));
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
