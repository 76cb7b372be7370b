import {
  oldGnuMapReader,
  oldGnuRealBytes,
  paxMapReader,
  isOldGnuSparse,
  type SparseMapReader,
} from './tar-header-sparse.js';
import { copyPaxRecords, noPaxRecords, parsePaxRecords, type PaxRecords } from './tar-header-pax.js';
import { parseTarHeader, unreadableTar, type TarHeader } from './tar-header.js';
import { relativePath, type TarEntryDraft } from './tar-scanner-entry.js';

/** Headers of several blocks (pax records, long names) beyond this are refused: they are held in memory. */
export const largestMetaBytes = 32 * 1024 * 1024;

/** A member whose headers have been read. */
export interface TarMember {
  readonly draft: TarEntryDraft;
  /** Bytes after the header block, the map of a sparse 1.0 file included, padding not. */
  readonly storedDataBytes: number;
  readonly sparse: MemberSparse | undefined;
}

/** How the map of a sparse member is to be had. */
export interface MemberSparse {
  readonly realBytes: number;
  /** Where the map comes from; a reader that is not yet `complete` wants more blocks. */
  readonly map: readonly number[] | SparseMapReader;
  /** True when the map's blocks are counted as data (pax 1.0), false when they stand before it (old GNU). */
  readonly mapInData: boolean;
}

/** What a header block turned out to be. */
export type HeaderMeaning =
  /** A header about other headers: give its `bytes` of data to `addMeta`. */
  | { readonly kind: 'meta'; readonly typeflag: string; readonly bytes: number }
  | { readonly kind: 'member'; readonly member: TarMember };

/** Puts the header of a member together from its blocks. */
export interface MemberHeaders {
  /** The position of the current member's first header; undefined between members. */
  readonly offset: number | undefined;
  /** Takes a header block, which stands at `offset`. Throws `source-unreadable`. */
  addHeader(block: Buffer, offset: number): HeaderMeaning;
  /** Takes the data of a `meta` header. Keeps nothing of the buffer. Throws `source-unreadable`. */
  addMeta(typeflag: string, body: Buffer): void;
}

const metaTypes = new Set(['x', 'X', 'g', 'L', 'K']);

/** See {@link MemberHeaders}. */
export function createMemberHeaders(): MemberHeaders {
  let global = noPaxRecords();
  let records: PaxRecords | undefined;
  let longName: Buffer | undefined;
  let longLink: Buffer | undefined;
  let offset: number | undefined;
  let metaOffset = 0;
  return {
    get offset() {
      return offset;
    },
    addHeader: (block, at) => {
      const header = parseTarHeader(block, at);
      if (metaTypes.has(header.typeflag)) {
        if (header.sizeBytes > largestMetaBytes) throw longMeta(header, at);
        metaOffset = at;
        if (header.typeflag !== 'g') offset ??= at;
        return { kind: 'meta', typeflag: header.typeflag, bytes: header.sizeBytes };
      }
      const member = makeMember(block, {
        header,
        headerOffset: at,
        records: records ?? global,
        longName,
        longLink,
        offset: offset ?? at,
      });
      records = longName = longLink = offset = undefined;
      return { kind: 'member', member };
    },
    addMeta: (typeflag, body) => {
      if (typeflag === 'L') longName = untilNul(body);
      else if (typeflag === 'K') longLink = untilNul(body);
      else if (typeflag === 'g') parsePaxRecords(body, (global = copyPaxRecords(global)), metaOffset);
      else parsePaxRecords(body, (records ??= copyPaxRecords(global)), metaOffset);
    },
  };
}

interface MemberParts {
  readonly header: TarHeader;
  readonly headerOffset: number;
  readonly records: PaxRecords;
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;
  readonly offset: number;
}

function makeMember(block: Buffer, parts: MemberParts): TarMember {
  const { header, records } = parts;
  const storedPath = records.sparse?.name ?? records.path ?? parts.longName ?? header.name;
  const type = typeOf(header.typeflag, storedPath);
  // Links have no data, whatever their header says: GNU tar reads them so.
  const storedDataBytes = type === 'hardlink' ? 0 : (records.sizeBytes ?? header.sizeBytes);
  const sparse = type === 'file' ? sparseOf(block, parts) : undefined;
  const facts = {
    path: relativePath(storedPath),
    sizeBytes: type === 'file' || type === 'other' ? (sparse?.realBytes ?? storedDataBytes) : 0,
    mode: header.mode,
    uid: records.uid ?? header.uid,
    gid: records.gid ?? header.gid,
    uname: records.uname ?? nameText(header.uname),
    gname: records.gname ?? nameText(header.gname),
    mtime: records.mtime ?? String(header.mtimeSeconds),
    xattrs: records.xattrs,
    aclAccess: records.aclAccess,
    aclDefault: records.aclDefault,
    offset: parts.offset,
  };
  const linkTarget = records.linkPath ?? parts.longLink ?? header.linkName;
  switch (type) {
    case 'symlink':
      return { draft: { ...facts, type, linkTarget: Buffer.from(linkTarget) }, storedDataBytes, sparse };
    case 'hardlink':
      return { draft: { ...facts, type, linkTarget: relativePath(linkTarget) }, storedDataBytes, sparse };
    case 'character-device':
    case 'block-device':
      return { draft: { ...facts, type, major: header.major, minor: header.minor }, storedDataBytes, sparse };
    case 'file':
    case 'directory':
    case 'fifo':
    case 'other':
      return { draft: { ...facts, type }, storedDataBytes, sparse };
  }
}

function typeOf(typeflag: string, path: Buffer): TarEntryDraft['type'] {
  switch (typeflag) {
    case '0':
    case '\0':
    case '7':
      // Before ustar a directory was a file whose name ends so; GNU tar still reads it.
      return path[path.length - 1] === 0x2f ? 'directory' : 'file';
    case 'S':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '3':
      return 'character-device';
    case '4':
      return 'block-device';
    case '5':
    case 'D':
      return 'directory';
    case '6':
      return 'fifo';
    default:
      return 'other';
  }
}

function sparseOf(block: Buffer, { header, headerOffset, records }: MemberParts): MemberSparse | undefined {
  if (isOldGnuSparse(header)) {
    const map = oldGnuMapReader(headerOffset);
    map.add(block);
    return { realBytes: oldGnuRealBytes(block, headerOffset), map, mapInData: false };
  }
  if (records.sparse === undefined) return undefined;
  const { realBytes, mapInData, map } = records.sparse;
  if (realBytes === undefined) {
    throw unreadableTar(`The sparse file at byte ${headerOffset} of the tar has no size.`, headerOffset);
  }
  return { realBytes, mapInData, map: mapInData ? paxMapReader(headerOffset) : map };
}

function nameText(bytes: Buffer): string | undefined {
  return bytes.length === 0 ? undefined : bytes.toString('utf8');
}

function untilNul(body: Buffer): Buffer {
  const end = body.indexOf(0);
  return Buffer.from(end < 0 ? body : body.subarray(0, end));
}

function longMeta(header: TarHeader, offset: number): Error {
  return unreadableTar(
    `The header of type ${JSON.stringify(header.typeflag)} at byte ${offset} of the tar is ${header.sizeBytes} bytes long; more than ${largestMetaBytes} are not read.`,
    offset,
  );
}
