import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { analyze, requireUsage } from '../commands/index.js';
import { count, printable } from '../core/index.js';
import { readReport, reportFiles, type CostKind } from '../costs/index.js';
import { composeRegions } from './compose.js';
import { exitStatus } from './exit-status.js';
import { usage, type OptionValues } from './options/index.js';
import { analysisLines } from './render/analysis.js';
import type { Output } from './render/index.js';
import { ndjsonLine } from './render/ndjson.js';
import { openReport } from './report.js';
import { processSignals } from './signals.js';
import { readTelling } from './telling.js';

/** `snap-to-s3 analyze`. Returns the exit status. */
export async function runAnalyze(values: OptionValues, output: Output, words: readonly string[]): Promise<number> {
  const paths = words.length === 0 ? ['-'] : words;
  if (paths.includes('-') && process.stdin.isTTY) {
    throw usage(
      'No report is named, and nothing is sent to standard input.',
      'Name one: snap-to-s3 analyze report.csv.gz',
    );
  }
  const remote = paths.find((path) => path.startsWith('s3://'));
  if (remote !== undefined) {
    throw usage(
      `${remote} cannot be read from S3 yet.`,
      `Download it first: aws s3 cp --recursive ${remote} reports; then: snap-to-s3 analyze reports`,
    );
  }
  const memoryBytes = readMemory(values);
  const telling = readTelling(values);
  using report = openReport({ stdout: output.stderr, stderr: output.stderr }, { ...telling, json: false });
  using signals = processSignals((sentence) => report.say(sentence));
  const { signal } = signals;
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'snap-to-s3-report-'));
  try {
    const files = await reportFiles({ paths, input: process.stdin, temporaryDirectory });
    const cost = values.text('cost') as CostKind;
    const read = await readReport(files, {
      cost,
      memoryBytes,
      temporaryDirectory: join(temporaryDirectory, 'spilled'),
      threads: availableParallelism(),
      signal,
    });
    if (read.unreadableLines > 0) {
      report.say(`${count(read.unreadableLines, 'line')} could not be read. The first:`);
      for (const { file, line, why } of read.unreadable.slice(0, 5)) {
        report.say(printable(`  ${file}, line ${line}: ${why}`));
      }
    }
    requireUsage(read.usage);
    using regions = values.isOn('offline') ? { ec2In: undefined, [Symbol.dispose]: () => undefined } : composeRegions();
    const analysis = await analyze(read.usage, {
      ec2In: regions.ec2In,
      events: (event) => report.event(event),
      signal,
    });
    if (telling.json) {
      const { unreadableLines, unreadable } = read;
      output.stdout.write(ndjsonLine({ kind: 'analysis', cost, unreadableLines, unreadable, regions: analysis }));
    } else for (const line of analysisLines(analysis)) output.stdout.write(`${line}\n`);
    return exitStatus.done;
  } finally {
    await rm(temporaryDirectory, { recursive: true, force: true });
  }
}

const units: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, MIB: 1024 ** 2, GIB: 1024 ** 3 };

function readMemory(values: OptionValues): number {
  const text = values.text('memory') ?? '';
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]i?B)$/i.exec(text) ?? [];
  const bytes = Number(number) * (units[unit.toUpperCase()] ?? NaN);
  // Below that DuckDB cannot read a line of the length that we allow.
  if (bytes >= 128e6 && bytes <= 1e13) return bytes;
  throw values.refusal('memory', 'is no amount of memory of at least 128 MB.', 'For example: --memory 2GB');
}
