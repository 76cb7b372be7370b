import { createWriteStream } from 'node:fs';
import { readdir, readFile, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { AppError, messageOf } from '../../core/index.js';
import { deliveriesOf } from './deliveries.js';
import { fileKind, type FoundReport, type ReportFile } from './report-file.js';
import { unzipTo } from './unzip.js';

/** What is looked through for reports. */
export interface ReportSources {
  /** Files, folders, manifests; `-` is the input. */
  readonly paths: readonly string[];
  /** Files that were fetched from elsewhere. */
  readonly fetched?: readonly FoundReport[];
  readonly input: Readable;
  /** Where what comes from the input or a zip file is put; its owner removes it. */
  readonly temporaryDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the files of reports: of a folder all of them, of a manifest those that it names. What a file is its first bytes
 * tell. Deliveries are told apart by manifest, or by folder and name, and the newer one has the higher number. Throws `usage` for what is not
 * there, and for a folder without reports.
 */
export async function reportFiles(sources: ReportSources): Promise<readonly ReportFile[]> {
  const found: FoundReport[] = [...(sources.fetched ?? [])];
  for (const path of sources.paths) {
    sources.signal?.throwIfAborted();
    found.push(...(path === '-' ? [await fromInput(sources)] : await at(path)));
  }
  const whole = new Map(found.map((one) => [resolve(one.path), one]));
  const deliveries = deliveriesOf([...whole.values()]);
  const files: ReportFile[] = [];
  for (const [one, delivery] of deliveries) files.push(...(await opened(one, delivery, sources)));
  return files;
}

async function at(path: string): Promise<readonly FoundReport[]> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError('usage', `${path} cannot be read: ${messageOf(cause)}.`, {
      hint: 'Give files, folders or manifests of reports; - is standard input.',
      cause,
    });
  });
  if (facts.isDirectory()) return inFolder(path);
  if ((await fileKind(path)) === 'json') return ofManifest(path);
  return [{ path, name: path, delivery: resolve(path), newness: facts.mtimeMs }];
}

async function inFolder(folder: string): Promise<readonly FoundReport[]> {
  const found: FoundReport[] = [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.(?:csv|gz|zip|parquet)$/i.test(entry.name)) continue;
    found.push({ path, name: path, delivery: resolve(path), newness: (await stat(path)).mtimeMs });
  }
  if (found.length > 0) return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  throw new AppError('usage', `There is no report in ${folder}.`, {
    hint: 'Reports are files that end in .csv, .csv.gz, .zip or .parquet.',
  });
}

const manifestSchema = z.union([
  z.object({ reportKeys: z.array(z.string()).min(1) }),
  z.object({ dataFiles: z.array(z.string()).min(1) }),
]);

/** The files that a manifest names: keys, or addresses with bucket. Throws `usage` for what is no manifest. */
export function keysOfManifest(text: string, where: string): readonly string[] {
  const read = (): z.infer<typeof manifestSchema> | undefined => {
    try {
      return manifestSchema.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  };
  const manifest = read();
  if (manifest === undefined) {
    throw new AppError('usage', `${where} is JSON, but no manifest of a report.`, {
      hint: 'A manifest is named …-Manifest.json and has reportKeys or dataFiles.',
    });
  }
  return 'reportKeys' in manifest ? manifest.reportKeys : manifest.dataFiles;
}

/** The files that a manifest names, as far as their names end alike: it knows them by their keys in S3. */
async function ofManifest(path: string): Promise<readonly FoundReport[]> {
  const keys = keysOfManifest(await readFile(path, 'utf8'), path);
  const { mtimeMs } = await stat(path);
  const found: FoundReport[] = [];
  for (const key of keys) {
    const file = await locate(dirname(path), key.split('/'));
    if (file === undefined) {
      throw new AppError('usage', `${path} names ${key}, which is not beside it.`, {
        hint: 'Download the whole folder: aws s3 cp --recursive s3://BUCKET/PREFIX reports',
      });
    }
    found.push({ path: file, name: file, delivery: resolve(path), newness: mtimeMs });
  }
  return found;
}

/** The longest end of a key that is a file below a folder, or below one of those above it. */
async function locate(folder: string, parts: readonly string[]): Promise<string | undefined> {
  for (let above = folder, level = 0; level < 8; above = dirname(above), level += 1) {
    for (let from = 0; from < parts.length; from += 1) {
      const path = join(above, ...parts.slice(from));
      if (
        await stat(path).then(
          (facts) => facts.isFile(),
          () => false,
        )
      )
        return path;
    }
  }
  return undefined;
}

async function fromInput({ input, temporaryDirectory, signal }: ReportSources): Promise<FoundReport> {
  const path = join(temporaryDirectory, 'standard-input');
  await pipeline(input, createWriteStream(path, { mode: 0o600 }), { signal });
  return { path, name: 'standard input', delivery: path, newness: Date.UTC(9999, 0) };
}

async function opened(
  { path, name }: FoundReport,
  delivery: number,
  { temporaryDirectory, signal }: ReportSources,
): Promise<readonly ReportFile[]> {
  signal?.throwIfAborted();
  const kind = await fileKind(path);
  switch (kind) {
    case 'csv':
    case 'gzip':
    case 'parquet':
      return [{ path: await withoutPattern(path, temporaryDirectory), name, kind, delivery }];
    case 'empty':
      throw new AppError('usage', `${name} is empty.`, { hint: 'Give the report as AWS has delivered it.' });
    case 'json':
      throw new AppError('usage', `${name} is JSON, not a report.`, { hint: 'Give its CSV or Parquet files.' });
    case 'zip': {
      const entries = await unzipTo(path, { name, temporaryDirectory, signal });
      return entries.map((entry) => ({ path: entry.path, name: `${name} (${entry.name})`, kind: 'csv', delivery }));
    }
  }
}

/** DuckDB would take such names for patterns, and has no way to quote them. */
async function withoutPattern(path: string, temporaryDirectory: string): Promise<string> {
  if (!/[[*?]/.test(path)) return path;
  const link = join(temporaryDirectory, `linked-${crypto.randomUUID()}`);
  await symlink(resolve(path), link);
  return link;
}
