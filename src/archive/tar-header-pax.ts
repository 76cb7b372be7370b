import { unreadableTar } from './tar-header.js';

/** What pax records say about a member, in place of its header's fields. `undefined` where they say nothing. */
export interface PaxRecords {
  path: Buffer | undefined;
  linkPath: Buffer | undefined;
  sizeBytes: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  uname: string | undefined;
  gname: string | undefined;
  /** Seconds since 1970 as an exact decimal. */
  mtime: string | undefined;
  aclAccess: string | undefined;
  aclDefault: string | undefined;
  /** Extended attributes by name; undefined for none. */
  xattrs: Map<string, Buffer> | undefined;
  sparse: PaxSparse | undefined;
}

/** GNU tar's records about a sparse file, of whichever of its three formats. */
export interface PaxSparse {
  /** The file's own name: `path` and the header hold a placeholder. */
  name: Buffer | undefined;
  /** True for format 1.0, whose map stands before the data. */
  mapInData: boolean;
  realBytes: number | undefined;
  /** Offset and length of each data segment, alternating (formats 0.0 and 0.1). */
  map: number[];
}

/** No records. */
export function noPaxRecords(): PaxRecords {
  return {
    path: undefined,
    linkPath: undefined,
    sizeBytes: undefined,
    uid: undefined,
    gid: undefined,
    uname: undefined,
    gname: undefined,
    mtime: undefined,
    aclAccess: undefined,
    aclDefault: undefined,
    xattrs: undefined,
    sparse: undefined,
  };
}

/** A copy to which the records of one member can be added without touching the global ones. */
export function copyPaxRecords(records: PaxRecords): PaxRecords {
  return {
    ...records,
    xattrs: records.xattrs === undefined ? undefined : new Map(records.xattrs),
    sparse: records.sparse === undefined ? undefined : { ...records.sparse, map: [...records.sparse.map] },
  };
}

/**
 * Adds the records of a pax header (`<length> <keyword>=<value>\n`, POSIX.1-2017) to `into`; later ones win, an empty
 * value takes back. Throws `source-unreadable`, naming `offset`, for records that break the format.
 */
export function parsePaxRecords(body: Buffer, into: PaxRecords, offset: number): void {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = space > at && space - at <= 16 ? decimal(body.toString('latin1', at, space)) : undefined;
    const end = at + (length ?? 0);
    const equals = body.indexOf(0x3d, space);
    if (length === undefined || end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a) {
      throw unreadableTar(`The pax header at byte ${offset} of the tar is damaged at its byte ${at}.`, offset);
    }
    apply(into, {
      keyword: body.toString('utf8', space + 1, equals),
      value: body.subarray(equals + 1, end - 1),
      offset,
    });
    at = end;
  }
}

interface PaxRecord {
  readonly keyword: string;
  readonly value: Buffer;
  readonly offset: number;
}

const xattrPrefix = 'SCHILY.xattr.';
const sparsePrefix = 'GNU.sparse.';

function apply(into: PaxRecords, record: PaxRecord): void {
  const { keyword, value } = record;
  switch (keyword) {
    case 'path':
      into.path = copyOrNothing(value);
      return;
    case 'linkpath':
      into.linkPath = copyOrNothing(value);
      return;
    case 'size':
      into.sizeBytes = value.length === 0 ? undefined : wholeNumber(record);
      return;
    case 'uid':
      into.uid = value.length === 0 ? undefined : wholeNumber(record);
      return;
    case 'gid':
      into.gid = value.length === 0 ? undefined : wholeNumber(record);
      return;
    case 'uname':
      into.uname = textOrNothing(value);
      return;
    case 'gname':
      into.gname = textOrNothing(value);
      return;
    case 'mtime':
      into.mtime = value.length === 0 ? undefined : exactTime(record);
      return;
    case 'SCHILY.acl.access':
      into.aclAccess = textOrNothing(value);
      return;
    case 'SCHILY.acl.default':
      into.aclDefault = textOrNothing(value);
      return;
    default:
      if (keyword.startsWith(xattrPrefix)) {
        (into.xattrs ??= new Map()).set(xattrName(keyword.slice(xattrPrefix.length)), Buffer.from(value));
      } else if (keyword.startsWith(sparsePrefix)) {
        applySparse(into, record);
      }
  }
}

function applySparse(into: PaxRecords, record: PaxRecord): void {
  const sparse = (into.sparse ??= { name: undefined, mapInData: false, realBytes: undefined, map: [] });
  switch (record.keyword) {
    case 'GNU.sparse.name':
      sparse.name = copyOrNothing(record.value);
      return;
    case 'GNU.sparse.major':
      sparse.mapInData = wholeNumber(record) >= 1;
      return;
    case 'GNU.sparse.size':
    case 'GNU.sparse.realsize':
      sparse.realBytes = wholeNumber(record);
      return;
    case 'GNU.sparse.offset':
    case 'GNU.sparse.numbytes':
      sparse.map.push(wholeNumber(record));
      return;
    case 'GNU.sparse.map':
      sparse.map =
        record.value.length === 0
          ? []
          : record.value
              .toString('latin1')
              .split(',')
              .map((part) => number(part, record));
      return;
    default:
  }
}

function copyOrNothing(value: Buffer): Buffer | undefined {
  return value.length === 0 ? undefined : Buffer.from(value);
}

function textOrNothing(value: Buffer): string | undefined {
  return value.length === 0 ? undefined : value.toString('utf8');
}

/** GNU tar writes `=` and `%` in the names of attributes as `%3D` and `%25` (xheader.c, xattr_encode_keyword). */
function xattrName(encoded: string): string {
  return encoded.includes('%') ? encoded.replace(/%(?:25|3D)/g, (code) => (code === '%25' ? '%' : '=')) : encoded;
}

function decimal(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function wholeNumber(record: PaxRecord): number {
  return number(record.value.toString('latin1'), record);
}

function number(text: string, record: PaxRecord): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  const mayBeNegative = record.keyword === 'uid' || record.keyword === 'gid';
  if (!Number.isSafeInteger(value) || (value < 0 && !mayBeNegative)) throw badValue(record);
  return value;
}

/** The decimal without what does not change its value, so that equal times are equal texts. */
function exactTime(record: PaxRecord): string {
  const found = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(record.value.toString('latin1', 0, 64));
  if (found === null || record.value.length > 64 || !Number.isSafeInteger(Number(found[2]))) throw badValue(record);
  const [, sign = '', seconds = '0', fraction = ''] = found;
  const digits = fraction === '' ? seconds : `${seconds}.${fraction}`;
  return digits === '0' ? digits : sign + digits;
}

function badValue(record: PaxRecord): Error {
  return unreadableTar(
    `The pax header at byte ${record.offset} of the tar gives ${record.keyword} a value that cannot be read or is too large: ${JSON.stringify(record.value.toString('utf8', 0, 40))}.`,
    record.offset,
  );
}
