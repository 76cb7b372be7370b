import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  adviceTotals,
  advise,
  analyze,
  requireUsage,
  tagRecommended,
  type AdvisedRegion,
} from '../commands/costs/index.js';
import type { FetchProgress } from '../commands/index.js';
import { AppError, count, formatBytes, printable } from '../core/index.js';
import { readReport, reportFiles, type FoundReport, type ReadReport } from '../costs/index.js';
import { readAnalyzeOptions, type AnalyzeRequest } from './analyze-options.js';
import { exitStatus } from './exit-status.js';
import type { OptionValues } from './options/index.js';
import { adviceCsv } from './render/advice-csv.js';
import { adviceLines, adviceSentence, currencyOf, type AdviceContext } from './render/advice.js';
import { analysisLines } from './render/analysis.js';
import type { Output } from './render/index.js';
import { ndjsonLine } from './render/ndjson.js';
import { writePage } from './page/index.js';
import { openReport, type Report } from './report.js';
import { processSignals } from './signals.js';
import { openTemporaryDirectory } from './temporary-directory.js';

/** What the steps of an analysis share. */
interface Analyzing {
  readonly request: AnalyzeRequest;
  readonly output: Output;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** For people who watch. */
  readonly progress: (sentence: string) => void;
}

/** `snap-to-s3 analyze`. Returns the exit status. */
export async function runAnalyze(values: OptionValues, output: Output, words: readonly string[]): Promise<number> {
  const request = await readAnalyzeOptions(values, words);
  using report = await openReport(
    { stdout: output.stderr, stderr: output.stderr },
    { ...request.telling, json: false },
  );
  using signals = processSignals((sentence) => report.say(sentence));
  const progress = (sentence: string): void => {
    if (output.stderr.isTTY) report.say(printable(sentence));
  };
  try {
    return await analyzed({ request, output, report, signal: signals.signal, progress });
  } catch (error) {
    if (!signals.signal.aborted) throw error;
    report.say('Interrupted.');
    return exitStatus.interrupted;
  }
}

async function analyzed(analyzing: Analyzing): Promise<number> {
  const { request, report, signal } = analyzing;
  const read = await readAll(analyzing);
  using regions = request.offline
    ? { ec2In: undefined, [Symbol.dispose]: () => undefined }
    : await (await import('./compose.js')).composeRegions();
  const { ec2In } = regions;
  const analysis = await analyze(read.usage, { ec2In, events: (event) => report.event(event), signal });
  const context = await adviceContext(analyzing);
  const advised = advise(analysis, { ...request.settings, compressionRatio: context.compressionRatio });
  tell(advised, { read, context, analyzing });
  if (request.htmlFile !== undefined) {
    await writePage(request.htmlFile, { regions: advised, context, days: read.days, madeAt: new Date() });
    report.say(`The page is ${request.htmlFile}`);
  }
  if (!request.tagRecommended || ec2In === undefined) return exitStatus.done;
  return await tag(advised, { ec2In, context, analyzing });
}

async function readAll(analyzing: Analyzing): Promise<ReadReport> {
  const { request, report, signal, progress } = analyzing;
  await using temporary = await openTemporaryDirectory();
  const fetched = await fetchAll(analyzing, temporary.path);
  const { paths, cost, memoryBytes } = request;
  const files = await reportFiles({
    paths,
    fetched,
    input: process.stdin,
    temporaryDirectory: temporary.path,
    signal,
  });
  const read = await readReport(files, {
    cost,
    memoryBytes,
    temporaryDirectory: join(temporary.path, 'spilled'),
    threads: availableParallelism(),
    signal,
    onFile: (name, format) => progress(`Reading ${name} (${format}).`),
  });
  if (read.unreadableLines > 0) {
    report.say(`${count(read.unreadableLines, 'line')} could not be read. The first:`);
    for (const { file, line, why } of read.unreadable.slice(0, 5)) {
      report.say(printable(`  ${file}, line ${line}: ${why}`));
    }
  }
  requireUsage(read.usage);
  return read;
}

/** What needs the SDK for S3; a report that is here does not. */
async function withS3() {
  const [commands, compose] = await Promise.all([import('../commands/index.js'), import('./compose.js')]);
  return { ...commands, ...compose };
}

/** Tells each file as it is begun, and every tenth of all bytes. */
function fetchTeller(progress: (sentence: string) => void): (progress: FetchProgress) => void {
  let told = '';
  return ({ name, number, files, fetchedBytes, totalBytes }) => {
    const tenths = totalBytes === 0 ? 0 : Math.floor((10 * fetchedBytes) / totalBytes);
    if (told === `${number} ${tenths}`) return;
    told = `${number} ${tenths}`;
    progress(`Fetching ${number} of ${files}: ${name}; ${formatBytes(fetchedBytes)} of ${formatBytes(totalBytes)}.`);
  };
}

async function fetchAll(
  { request, report, signal, progress }: Analyzing,
  temporaryDirectory: string,
): Promise<readonly FoundReport[]> {
  if (request.remote.length === 0) return [];
  const { fetchReports, composeReading } = await withS3();
  const fetched: FoundReport[] = [];
  for (const [at, { bucket, prefix }] of request.remote.entries()) {
    using reading = composeReading({ bucket, events: (event) => report.event(event), signal });
    const found = await fetchReports({
      store: reading.store,
      prefix,
      months: request.months,
      directory: join(temporaryDirectory, `fetched-${at}`),
      signal,
      onProgress: fetchTeller(progress),
    });
    fetched.push(...found);
  }
  return fetched;
}

async function adviceContext({ request, report, signal, progress }: Analyzing): Promise<AdviceContext> {
  const { ratioBucket, ratioIsGiven, settings } = request;
  const { destination, compressionRatio } = settings;
  if (ratioBucket === undefined) {
    return { destination, compressionRatio, ratioFrom: ratioIsGiven ? 'as given' : 'assumed; see --compression-ratio' };
  }
  const { measureCompression, composeReading } = await withS3();
  progress(`Measuring how well the archives in s3://${ratioBucket} are compressed.`);
  using reading = composeReading({ bucket: ratioBucket, events: (event) => report.event(event), signal });
  const measured = await measureCompression({ ...reading, events: (event) => report.event(event) });
  if (measured === undefined) {
    throw new AppError('usage', `s3://${ratioBucket} has no tar archive with a manifest, by which to measure.`, {
      hint: 'Give the ratio yourself: --compression-ratio 2',
    });
  }
  const ratioFrom = `measured by ${count(measured.archives, 'archive')} in s3://${ratioBucket}`;
  return { destination, compressionRatio: measured.ratio, ratioFrom };
}

interface Told {
  readonly read: ReadReport;
  readonly context: AdviceContext;
  readonly analyzing: Analyzing;
}

function tell(advised: readonly AdvisedRegion[], { read, context, analyzing }: Told): void {
  const { request, output } = analyzing;
  const print = (lines: Iterable<string>): void => {
    for (const line of lines) output.stdout.write(`${line}\n`);
  };
  if (request.telling.json)
    for (const record of records(advised, { read, context, analyzing })) output.stdout.write(ndjsonLine(record));
  else if (request.csv) print(adviceCsv(advised));
  else {
    print(analysisLines(advised));
    print(['']);
    print(adviceLines(advised, context));
  }
}

/** A line for each region and volume, and one with what all of them come to. */
function* records(
  advised: readonly AdvisedRegion[],
  { read, context, analyzing: { request } }: Told,
): Generator<object> {
  for (const { volumes, ...region } of advised) {
    yield { kind: 'region', ...region };
    for (const volume of volumes) {
      const { advice } = volume;
      yield { kind: 'volume', ...volume, advice: { ...advice, sentence: adviceSentence(advice, context) } };
    }
  }
  const { unreadableLines, unreadable, days } = read;
  const { cost } = request;
  const currency = currencyOf(advised);
  yield { kind: 'analysis', cost, currency, unreadableLines, unreadable, days, ...context, ...adviceTotals(advised) };
}

async function tag(
  advised: readonly AdvisedRegion[],
  {
    ec2In,
    context,
    analyzing: { request, report, signal, output },
  }: Omit<Told, 'read'> & { readonly ec2In: Parameters<typeof tagRecommended>[1]['ec2In'] },
): Promise<number> {
  const { dryRun, settings, telling } = request;
  const counts = await tagRecommended(advised, {
    ec2In,
    tag: settings.tag,
    dryRun,
    events: (event) => report.event(event),
    signal,
  });
  if (telling.json) output.stdout.write(ndjsonLine({ kind: 'tagged', dryRun, ...counts }));
  else {
    const already = counts.alreadyTagged === 0 ? '' : ` ${count(counts.alreadyTagged, 'other')} had the tag already.`;
    const verb = dryRun ? 'would be tagged' : counts.tagged === 1 ? 'is tagged' : 'are tagged';
    report.say(`${count(counts.tagged, 'snapshot')} ${verb} ${settings.tag}=migrate.${already}`);
    const isUsual = settings.tag === 'snap-to-s3';
    const options = `--all${isUsual ? '' : ` --tag ${settings.tag}`} --bucket …`;
    if (counts.tagged > 0) {
      report.say(`Then, on an instance in their region: sudo snap-to-s3 migrate ${options}`);
      report.say(
        `Validate them, and let a lifecycle rule take them to ${context.destination}: see the guide on costs.`,
      );
    }
  }
  return counts.failed > 0 ? exitStatus.someSnapshotsFailed : exitStatus.done;
}
