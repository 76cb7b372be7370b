import { encodeTarEntry, tarEntryOf } from './index-entry.js';
import { badLine, optionalSha256Field, parseLine, wholeField, wrongField, type LineFields } from './index-fields.js';
import type { ImageChunk } from './index-image.js';
import type { TarEntry } from './tar-scanner-entry.js';

/** The version of the index that is written; others are refused. */
export const indexVersion = 1;

/** The first line: what the index is of. */
export type IndexHeader =
  | { readonly kind: 'tar' }
  | {
      readonly kind: 'image';
      /** Size of every chunk but the last. */
      readonly chunkBytes: number;
    };

/** The last line: without it the index is cut off. */
export interface IndexTrailer {
  /** Lines between the first and the last. */
  readonly entries: number;
  /** Bytes of the tar or of the image. */
  readonly bytes: number;
}

/** A line between them. */
export type IndexRecord =
  { readonly kind: 'entry'; readonly entry: TarEntry } | { readonly kind: 'chunk'; readonly chunk: ImageChunk };

const format = 'snap-to-s3-index';

/** `{"format":"snap-to-s3-index","version":1,"kind":…}`, without line end as all lines here. */
export function encodeIndexHeader(header: IndexHeader): string {
  return JSON.stringify({ format, version: indexVersion, ...header });
}

/** `{"end":true,"entries":…,"bytes":…}`. */
export function encodeIndexTrailer(trailer: IndexTrailer): string {
  return JSON.stringify({ end: true, entries: trailer.entries, bytes: trailer.bytes });
}

/** A tar entry (see `encodeTarEntry`) or an image chunk: `{"offset","size","sha256"}`, and `"zero":true` for zeros. */
export function encodeIndexRecord(record: IndexRecord): string {
  switch (record.kind) {
    case 'entry':
      return encodeTarEntry(record.entry);
    case 'chunk': {
      const { offset, sizeBytes, sha256, zero } = record.chunk;
      return JSON.stringify({ offset, size: sizeBytes, sha256, zero: zero ? true : undefined });
    }
  }
}

/** Reads the first line. Throws `corrupt-archive` for anything else, a newer version included. */
export function parseIndexHeader(text: string): IndexHeader {
  const line = parseLine(text, 1);
  const { fields } = line;
  if (fields.format !== format) throw badLine(1, `does not begin an index of snap-to-s3`);
  if (fields.version !== indexVersion) {
    throw badLine(1, `says version ${JSON.stringify(fields.version)}; this program reads version ${indexVersion}`);
  }
  if (fields.kind === 'tar') return { kind: 'tar' };
  if (fields.kind === 'image') return { kind: 'image', chunkBytes: wholeField(line, 'chunkBytes', 1) };
  throw wrongField(line, 'kind');
}

/** What a line after the first is. */
export type IndexLine = IndexRecord | { readonly kind: 'trailer'; readonly trailer: IndexTrailer };

/** Where a line stands. */
export interface IndexLinePlace {
  readonly header: IndexHeader;
  /** 1-based. */
  readonly lineNumber: number;
}

/** Reads any line but the first; unknown fields are ignored. Throws `corrupt-archive` with the line number. */
export function parseIndexLine(text: string, place: IndexLinePlace): IndexLine {
  const line = parseLine(text, place.lineNumber);
  if (line.fields.end === true) {
    return { kind: 'trailer', trailer: { entries: wholeField(line, 'entries'), bytes: wholeField(line, 'bytes') } };
  }
  return place.header.kind === 'tar'
    ? { kind: 'entry', entry: tarEntryOf(line) }
    : { kind: 'chunk', chunk: imageChunkOf(line) };
}

function imageChunkOf(line: LineFields): ImageChunk {
  const sha256 = optionalSha256Field(line, 'sha256');
  if (sha256 === undefined) throw wrongField(line, 'sha256');
  return {
    offset: wholeField(line, 'offset'),
    sizeBytes: wholeField(line, 'size', 1),
    sha256,
    zero: line.fields.zero === true,
  };
}
