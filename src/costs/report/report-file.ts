import { open } from 'node:fs/promises';

/** What a file is by its first bytes. */
export type FileKind = 'csv' | 'gzip' | 'zip' | 'parquet' | 'json' | 'empty';

const magics: readonly (readonly [FileKind, Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zip', Buffer.from('PK\x03\x04', 'latin1')],
  ['parquet', Buffer.from('PAR1')],
];

/** Looks at the first bytes of a file, whatever its name. */
export async function fileKind(path: string): Promise<FileKind> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
  const bytes = buffer.subarray(0, bytesRead);
  if (bytesRead === 0) return 'empty';
  const found = magics.find(([, magic]) => bytes.subarray(0, magic.length).equals(magic));
  if (found !== undefined) return found[0];
  return /^\s*[{[]/.test(bytes.toString('latin1')) ? 'json' : 'csv';
}

/** One file of a report. */
export interface ReportFile {
  /** Where its bytes are. */
  readonly path: string;
  /** How it is named to people. */
  readonly name: string;
  readonly kind: 'csv' | 'gzip' | 'parquet';
  /** Files of one delivery are added up; of two deliveries of one period the higher number counts. */
  readonly delivery: number;
}

/** A file that is, or has, a part of a report. */
export interface FoundReport {
  readonly path: string;
  /** For messages. */
  readonly name: string;
  /** Where it was delivered: its manifest, or its own path or key where it has none. */
  readonly delivery: string;
  /** Milliseconds since 1970. */
  readonly newness: number;
}
