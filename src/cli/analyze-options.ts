import type { AdviseSettings } from '../commands/costs/index.js';
import type { CostKind, Destination } from '../costs/index.js';
import { usage, type OptionValues } from './options/index.js';
import { readPriceFile } from './price-file-of.js';
import { readTelling, type Telling } from './telling.js';
import { readTag } from './validate-options.js';

/** Everything that `analyze` is asked for, checked. */
export interface AnalyzeRequest {
  /** Files, folders and manifests here; `-` is standard input. */
  readonly paths: readonly string[];
  readonly remote: readonly RemoteReports[];
  readonly cost: CostKind;
  readonly offline: boolean;
  readonly memoryBytes: number;
  readonly months: number;
  readonly settings: AdviseSettings;
  /** Whether the ratio was said, and the bucket that it is to be measured by. */
  readonly ratioIsGiven: boolean;
  readonly ratioBucket: string | undefined;
  readonly tagRecommended: boolean;
  readonly dryRun: boolean;
  readonly csv: boolean;
  readonly htmlFile: string | undefined;
  readonly telling: Telling;
}

/** Reports in S3. */
export interface RemoteReports {
  readonly bucket: string;
  readonly prefix: string;
}

/** Checks what `analyze` is asked for. Throws `usage` with one sentence and the next step. */
export async function readAnalyzeOptions(values: OptionValues, words: readonly string[]): Promise<AnalyzeRequest> {
  const sources = words.length === 0 ? ['-'] : words;
  if (sources.includes('-') && process.stdin.isTTY) {
    throw usage(
      'No report is named, and nothing is sent to standard input.',
      'Name one: snap-to-s3 analyze report.csv.gz',
    );
  }
  const isOffline = values.isOn('offline');
  const tagRecommended = values.isOn('tag-recommended');
  if (isOffline && tagRecommended) {
    throw usage('--offline asks nobody, and --tag-recommended needs EC2.', 'Leave one of them out.');
  }
  const csv = values.isOn('csv');
  if (csv && values.isOn('json')) throw usage('--csv and --json exclude each other.', 'Give one of them.');
  const ratioIsGiven = values.origin('compression-ratio').kind !== 'default';
  const ratioBucket = values.text('compression-of');
  if (ratioIsGiven && ratioBucket !== undefined) {
    throw usage('--compression-ratio and --compression-of exclude each other.', 'Give one of them.');
  }
  const isDefaultClass = values.origin('storage-class').kind === 'default';
  return {
    paths: sources.filter((path) => !isRemote(path)),
    remote: sources.filter(isRemote).map(remoteReports),
    cost: values.text('cost') as CostKind,
    offline: isOffline,
    memoryBytes: readMemory(values),
    months: values.integer('months'),
    settings: {
      priceFile: await readPriceFile(values.text('prices')),
      destination: isDefaultClass ? 'DEEP_ARCHIVE' : (values.text('storage-class') as Destination),
      compressionRatio: values.number('compression-ratio'),
      keepNewest: values.origin('keep-newest').kind === 'default' ? undefined : values.integer('keep-newest'),
      mostPaybackMonths: values.number('payback-months'),
      tag: readTag(values),
    },
    ratioIsGiven,
    ratioBucket: ratioBucket?.replace(/^s3:\/\//, '').replace(/\/$/, ''),
    tagRecommended,
    dryRun: values.isOn('dry-run'),
    csv,
    htmlFile: values.text('html'),
    telling: readTelling(values),
  };
}

function isRemote(source: string): boolean {
  return /^s3:/i.test(source);
}

function remoteReports(source: string): RemoteReports {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/i.exec(source) ?? [];
  if (bucket !== undefined) return { bucket, prefix };
  throw usage(`${JSON.stringify(source)} names no bucket.`, 'Reports in S3 are named like s3://bucket/prefix');
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
