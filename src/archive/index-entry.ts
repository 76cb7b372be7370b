import {
  base64Bytes,
  bytesField,
  bytesText,
  isRecord,
  optionalSha256Field,
  optionalTextField,
  textField,
  wholeField,
  wrongField,
  type LineFields,
} from './index-fields.js';
import type { TarEntry } from './tar-scanner-entry.js';

/**
 * A tar entry as a line of the index, without line end:
 * `{"path","type","size","mode","uid","gid","mtime",…,"offset","stored"}`. `mode` is octal text of four digits
 * (`"0644"`), `mtime` an exact decimal as text. Only where they apply: `uname`, `gname`, `target`, `major` and `minor`,
 * `xattrs` (name to base64), `acl` (`access`, `default`), `sha256`, and for sparse files `sparse` and `dataSha256`.
 * Bytes that are not UTF-8 are also there in base64: `pathBase64`, `targetBase64`.
 */
export function encodeTarEntry(entry: TarEntry): string {
  // Put together by hand: one object of many optional fields for each of a million entries costs three times as much.
  return (
    `{${bytesText('path', entry.path)},"type":"${entry.type}","size":${entry.sizeBytes}` +
    `,"mode":"${entry.mode.toString(8).padStart(4, '0')}","uid":${entry.uid},"gid":${entry.gid}` +
    optionalText('uname', entry.uname) +
    optionalText('gname', entry.gname) +
    `,"mtime":${JSON.stringify(entry.mtime)}` +
    typeText(entry) +
    (entry.xattrs === undefined ? '' : `,"xattrs":${JSON.stringify(encodeXattrs(entry.xattrs))}`) +
    (entry.aclAccess === undefined && entry.aclDefault === undefined
      ? ''
      : `,"acl":${JSON.stringify({ access: entry.aclAccess, default: entry.aclDefault })}`) +
    `,"offset":${entry.offset},"stored":${entry.storedBytes}}`
  );
}

function typeText(entry: TarEntry): string {
  switch (entry.type) {
    case 'file':
      return (
        optionalText('sha256', entry.sha256) +
        (entry.dataSha256 === undefined ? '' : `,"sparse":true,"dataSha256":"${entry.dataSha256}"`)
      );
    case 'symlink':
    case 'hardlink':
      return `,${bytesText('target', entry.linkTarget)}`;
    case 'character-device':
    case 'block-device':
      return `,"major":${entry.major},"minor":${entry.minor}`;
    case 'directory':
    case 'fifo':
    case 'other':
      return '';
  }
}

function optionalText(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}

function encodeXattrs(xattrs: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries(Array.from(xattrs, ([name, value]) => [name, value.toString('base64')]));
}

/** Reads what {@link encodeTarEntry} wrote; unknown fields are ignored. Throws `corrupt-archive` with the line number. */
export function tarEntryOf(line: LineFields): TarEntry {
  const acl = aclOf(line);
  const facts = {
    path: bytesField(line, 'path'),
    sizeBytes: wholeField(line, 'size'),
    mode: modeOf(line),
    uid: wholeField(line, 'uid', -Infinity),
    gid: wholeField(line, 'gid', -Infinity),
    uname: optionalTextField(line, 'uname'),
    gname: optionalTextField(line, 'gname'),
    mtime: mtimeOf(line),
    xattrs: xattrsOf(line),
    aclAccess: acl?.access,
    aclDefault: acl?.default,
    offset: wholeField(line, 'offset'),
    storedBytes: wholeField(line, 'stored'),
  };
  const type = line.fields.type;
  switch (type) {
    case 'file':
      return {
        ...facts,
        type,
        sha256: optionalSha256Field(line, 'sha256'),
        dataSha256: optionalSha256Field(line, 'dataSha256'),
      };
    case 'symlink':
    case 'hardlink':
      return { ...facts, type, linkTarget: bytesField(line, 'target') };
    case 'character-device':
    case 'block-device':
      return { ...facts, type, major: wholeField(line, 'major'), minor: wholeField(line, 'minor') };
    case 'directory':
    case 'fifo':
    case 'other':
      return { ...facts, type };
    default:
      throw wrongField(line, 'type');
  }
}

function modeOf(line: LineFields): number {
  const mode = textField(line, 'mode');
  if (!/^[0-7]{4}$/.test(mode)) throw wrongField(line, 'mode');
  return parseInt(mode, 8);
}

function mtimeOf(line: LineFields): string {
  const mtime = textField(line, 'mtime');
  if (!/^-?\d{1,16}(?:\.\d{1,60})?$/.test(mtime)) throw wrongField(line, 'mtime');
  return mtime;
}

function xattrsOf(line: LineFields): Map<string, Buffer> | undefined {
  const value = line.fields.xattrs;
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw wrongField(line, 'xattrs');
  return new Map(Object.entries(value).map(([name, base64]) => [name, base64Bytes(line, 'xattrs', base64)]));
}

interface Acl {
  readonly access: string | undefined;
  readonly default: string | undefined;
}

function aclOf(line: LineFields): Acl | undefined {
  const value = line.fields.acl;
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw wrongField(line, 'acl');
  const acl = { fields: value, lineNumber: line.lineNumber };
  return { access: optionalTextField(acl, 'access'), default: optionalTextField(acl, 'default') };
}
