import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Entry, Options, ZipFile } from 'yauzl';
import { AppError, messageOf } from '../../core/index.js';

async function open(path: string, options: Options): Promise<ZipFile> {
  const { default: yauzl } = await import('yauzl');
  return new Promise((settle, fail) => {
    yauzl.open(path, options, (error, zip) => (error === null ? settle(zip) : fail(error)));
  });
}

/** Unpacks the CSV files of a zip file, under names of our own. Throws `usage` for one that is damaged or has none. */
export async function unzipTo(
  path: string,
  {
    name,
    temporaryDirectory,
    signal,
  }: { readonly name: string; readonly temporaryDirectory: string; readonly signal?: AbortSignal | undefined },
): Promise<readonly { readonly path: string; readonly name: string }[]> {
  const unpacked: { path: string; name: string }[] = [];
  try {
    const zip = await open(path, { lazyEntries: true, autoClose: false });
    try {
      for await (const entry of entriesOf(zip)) {
        if (!/\.csv$/i.test(entry.fileName)) continue;
        const to = join(temporaryDirectory, `unpacked-${crypto.randomUUID()}.csv`);
        const source = await promisify(zip.openReadStream.bind(zip) as OpenReadStream)(entry);
        await pipeline(source, createWriteStream(to, { mode: 0o600 }), { signal });
        unpacked.push({ path: to, name: entry.fileName });
      }
    } finally {
      zip.close();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AppError('usage', `${name} cannot be unpacked: ${messageOf(cause)}.`, {
      hint: 'See that it has arrived in full, and download it again.',
      cause,
    });
  }
  if (unpacked.length > 0) return unpacked;
  throw new AppError('usage', `${name} has no CSV file in it.`, { hint: 'Give the report as AWS has delivered it.' });
}

type OpenReadStream = (entry: Entry, done: (error: Error | null, stream: NodeJS.ReadableStream) => void) => void;

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry, void> {
  for (;;) {
    const entry = await new Promise<Entry | undefined>((settle, fail) => {
      zip.once('entry', settle);
      zip.once('end', () => settle(undefined));
      zip.once('error', fail);
      zip.readEntry();
    });
    zip.removeAllListeners();
    if (entry === undefined) return;
    yield entry;
  }
}
