import { isUtf8 } from 'node:buffer';
import { AppError, MiB, printable } from '../core/index.js';

/** A line of an index as JSON gives it, and where it stands, for messages. */
export interface LineFields {
  readonly fields: Readonly<Record<string, unknown>>;
  /** 1-based. */
  readonly lineNumber: number;
}

/** The error of a line that is not one: `corrupt-archive`, with the line number. */
export function badLine(lineNumber: number, what: string, cause?: unknown): AppError {
  return new AppError('corrupt-archive', `Line ${lineNumber} of the index ${what}.`, {
    ...(cause === undefined ? {} : { cause }),
    details: { lineNumber },
  });
}

/** Reads a line as a JSON object. Throws `corrupt-archive`. */
export function parseLine(line: string, lineNumber: number): LineFields {
  if (line.length > longLine && hasManyBrackets(line)) throw badLine(lineNumber, 'holds more than an entry has');
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw badLine(lineNumber, 'is not JSON', error);
  }
  if (!isRecord(json)) throw badLine(lineNumber, 'is not a JSON object');
  return { fields: json, lineNumber };
}

/** Few entries have so much in attributes. */
const longLine = MiB;
const mostBrackets = 1_000;

/** An entry has some, however long it is. Many empty ones take thirty times the memory of their line when they are parsed. */
function hasManyBrackets(line: string): boolean {
  let found = 0;
  for (const bracket of ['{', '[']) {
    for (let at = line.indexOf(bracket); at >= 0; at = line.indexOf(bracket, at + 1)) {
      found += 1;
      if (found > mostBrackets) return true;
    }
  }
  return false;
}

/** A whole number that is exact, at least `least`. Throws `corrupt-archive`. */
export function wholeField(line: LineFields, name: string, least = 0): number {
  const value = line.fields[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw wrongField(line, name);
}

/** A text. Throws `corrupt-archive`. */
export function textField(line: LineFields, name: string): string {
  const value = line.fields[name];
  if (typeof value === 'string') return value;
  throw wrongField(line, name);
}

/** A text, or undefined where the field is missing. Throws `corrupt-archive`. */
export function optionalTextField(line: LineFields, name: string): string | undefined {
  return line.fields[name] === undefined ? undefined : textField(line, name);
}

/** A SHA-256 in hexadecimal, or undefined where the field is missing. Throws `corrupt-archive`. */
export function optionalSha256Field(line: LineFields, name: string): string | undefined {
  const value = optionalTextField(line, name);
  if (value === undefined || /^[0-9a-f]{64}$/.test(value)) return value;
  throw wrongField(line, name);
}

/** Bytes as {@link bytesText} wrote them. Throws `corrupt-archive`. */
export function bytesField(line: LineFields, name: string): Buffer {
  const base64 = line.fields[`${name}Base64`];
  if (base64 === undefined) return Buffer.from(textField(line, name), 'utf8');
  return base64Bytes(line, `${name}Base64`, base64);
}

/** The bytes of a base64 value. Throws `corrupt-archive`. */
export function base64Bytes(line: LineFields, name: string, value: unknown): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (bytes === undefined || bytes.toString('base64') !== value) throw wrongField(line, name);
  return bytes;
}

/**
 * Bytes as fields of a line: `"name":` holds them as text; where they are not UTF-8, that text has U+FFFD in it and
 * `"nameBase64":` holds the exact bytes.
 */
export function bytesText(name: string, bytes: Buffer): string {
  const text = `"${name}":${JSON.stringify(bytes.toString('utf8'))}`;
  return isUtf8(bytes) ? text : `${text},"${name}Base64":"${bytes.toString('base64')}"`;
}

/** The error of a field that is missing or wrong. */
export function wrongField(line: LineFields, name: string): AppError {
  const value = line.fields[name];
  const shown = value === undefined ? 'nothing' : printable(JSON.stringify(value).slice(0, 80));
  return badLine(line.lineNumber, `is damaged: its field "${name}" holds ${shown}`);
}

/** True for a JSON object. */
export function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
