import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { AppError, messageOf } from '../../core/index.js';

/** The names of columns of a report are some ten KiB. */
const longestHeaderBytes = 4 * 1024 * 1024;

/** Reads the first line of a CSV file, by RFC 4180. Throws `usage` for a file that is empty, no text, or cut. */
export async function csvHeader(
  path: string,
  { isGzip, where }: { readonly isGzip: boolean; readonly where: string },
): Promise<readonly string[]> {
  const file = createReadStream(path, { highWaterMark: 64 * 1024 });
  const source = (isGzip ? file.pipe(createGunzip()) : file) as AsyncIterable<Buffer>;
  // A character a byte: only the header has to be UTF-8 for now.
  let text = '';
  try {
    for await (const bytes of source) {
      text += bytes.toString('latin1');
      const header = firstRecord(text);
      if (header !== undefined) return header.map(asUtf8);
      if (text.length > longestHeaderBytes) throw new RangeError('its first line does not end');
    }
  } catch (cause) {
    const why = cause instanceof TypeError ? 'it is not UTF-8' : messageOf(cause);
    throw new AppError('usage', `${where} cannot be read as a CSV file: ${why}.`, {
      hint: 'Give the report as AWS has delivered it: CSV, gzip, zip or Parquet.',
      cause,
    });
  } finally {
    file.destroy();
  }
  if (text.trim() === '') {
    throw new AppError('usage', `${where} is empty.`, { hint: 'Give the report as AWS has delivered it.' });
  }
  return (firstRecord(`${text}\n`) ?? []).map(asUtf8);
}

const byteOrderMark = Buffer.from('\uFEFF', 'utf8').toString('latin1');

/** Throws a `TypeError` for what is no UTF-8. */
function asUtf8(latin1: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
}

/** The fields of the first line; undefined where it has not ended yet. */
function firstRecord(text: string): readonly string[] | undefined {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let at = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === ',') {
      fields.push(field);
      field = '';
    } else if (character === '\n') return [...fields, field.replace(/\r$/, '')];
    else field += character;
  }
  return undefined;
}
