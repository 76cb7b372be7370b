import { badLine } from './index-fields.js';
import { indexLines } from './index-lines.js';
import { parseIndexHeader, parseIndexLine } from './index-line.js';
import type { TarEntry } from './tar-scanner-entry.js';

/** A line of a tar's index of which only the path has been read. */
export interface ScannedLine {
  /** As text; what is not UTF-8 is U+FFFD. */
  readonly path: string;
  readonly json: string;
  /** 1-based. */
  readonly lineNumber: number;
}

/**
 * Goes through the index of a tar without parsing its lines, many at a time: four times as fast as `readIndex`, for who
 * wants few of them. The header, the last line and its count are checked. Throws what `readIndex` throws, but for lines
 * that nobody parses (`scannedEntry`).
 */
export async function* scanIndex(gzipped: AsyncIterable<Buffer>): AsyncGenerator<readonly ScannedLine[], void> {
  let lineNumber = 0;
  let isEnded = false;
  for await (const lines of indexLines(gzipped)) {
    const scanned: ScannedLine[] = [];
    for (const json of lines) {
      lineNumber += 1;
      if (isEnded) throw badLine(lineNumber, 'comes after the last one');
      if (lineNumber === 1) {
        if (parseIndexHeader(json).kind !== 'tar') throw badLine(1, 'is that of an image');
        continue;
      }
      if (json.startsWith('{"path":"')) {
        scanned.push({ path: pathOf(json, lineNumber), json, lineNumber });
        continue;
      }
      const line = parseIndexLine(json, { header: { kind: 'tar' }, lineNumber });
      if (line.kind === 'entry') scanned.push({ path: line.entry.path.toString('utf8'), json, lineNumber });
      if (line.kind !== 'trailer') continue;
      isEnded = true;
      if (line.trailer.entries !== lineNumber - 2) {
        throw badLine(lineNumber, `counts ${line.trailer.entries} entries, but there are ${lineNumber - 2}`);
      }
    }
    if (scanned.length > 0) yield scanned;
  }
  if (!isEnded) throw badLine(lineNumber + 1, 'is missing: the index is cut off');
}

/** All of a scanned line. Throws `corrupt-archive`. */
export function scannedEntry({ json, lineNumber }: ScannedLine): TarEntry {
  const line = parseIndexLine(json, { header: { kind: 'tar' }, lineNumber });
  if (line.kind === 'entry') return line.entry;
  throw badLine(lineNumber, 'is no entry');
}

const pathStart = '{"path":"'.length;

function pathOf(json: string, lineNumber: number): string {
  const end = json.indexOf('"', pathStart);
  if (end < 0) throw badLine(lineNumber, 'is not JSON');
  const text = json.slice(pathStart, end);
  if (!text.includes('\\')) return text;
  // An escaped quotation mark is none.
  let close = end;
  while (close >= 0 && isEscaped(json, close)) close = json.indexOf('"', close + 1);
  try {
    return JSON.parse(json.slice(pathStart - 1, close + 1)) as string;
  } catch (error) {
    throw badLine(lineNumber, 'is not JSON', error);
  }
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
