import { badLine } from './index-fields.js';
import { indexLines } from './index-lines.js';
import {
  parseIndexHeader,
  parseIndexLine,
  type IndexHeader,
  type IndexRecord,
  type IndexTrailer,
} from './index-line.js';

/** What an index holds, in its order: one `header`, entries or chunks, one `trailer`. */
export type IndexItem =
  | { readonly kind: 'header'; readonly header: IndexHeader }
  | IndexRecord
  | { readonly kind: 'trailer'; readonly trailer: IndexTrailer };

/**
 * Reads a gzipped index line by line. When the trailer comes, the index is complete and its count is right. Throws
 * `corrupt-archive` for bytes that are not gzip, for a line that is wrong (with its number), and for an index that is
 * cut off; and whatever the source throws.
 */
export async function* readIndex(gzipped: AsyncIterable<Buffer>): AsyncGenerator<IndexItem, void> {
  let header: IndexHeader | undefined;
  let trailer: IndexTrailer | undefined;
  let lineNumber = 0;
  for await (const lines of indexLines(gzipped)) {
    for (const text of lines) {
      lineNumber += 1;
      if (trailer !== undefined) throw badLine(lineNumber, 'comes after the last one');
      if (header === undefined) {
        header = parseIndexHeader(text);
        yield { kind: 'header', header };
        continue;
      }
      const line = parseIndexLine(text, { header, lineNumber });
      if (line.kind === 'trailer') {
        trailer = line.trailer;
        if (trailer.entries !== lineNumber - 2) {
          throw badLine(lineNumber, `counts ${trailer.entries} entries, but there are ${lineNumber - 2}`);
        }
      }
      yield line;
    }
  }
  if (trailer === undefined) throw badLine(lineNumber + 1, 'is missing: the index is cut off');
}
