import { AppError } from '../../src/core/index.js';
import type { FaultRequest } from './fault.js';
import { readFaultRequest } from './read-request.js';

/** Parameters that belong to the request and not to its kind. */
const ofRequest = new Set(['times', 'skip', 'probability', 'seed']);
const wherePrefix = 'where.';

const sizes: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const durations: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };
const shares: Readonly<Record<string, number>> = { '': 1, '%': 0.01 };
const counts: Readonly<Record<string, number>> = { '': 1 };

/** What stands behind a number, by parameter. All others are text. */
const units: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  bytesPerSecond: sizes,
  afterBytes: sizes,
  atByte: sizes,
  ms: durations,
  times: counts,
  skip: counts,
  seed: counts,
  probability: shares,
};

/**
 * Reads a fault as people type it: `s3:GetObject=slow,bytes-per-second=1MiB,times=3,where.key=vol-1/*`. A comma in a value
 * is written `\,`. Throws `usage`.
 */
export function parseFaultSpec(text: string): FaultRequest {
  const [head = '', ...rest] = text.split(/(?<!\\),/);
  const found = /^(?<operation>[^=]+)=(?<kind>[^=]+)$/.exec(head.trim())?.groups;
  if (found === undefined) throw malformed(text);
  const fault: Record<string, unknown> = { kind: found.kind };
  const request: Record<string, unknown> = { operation: found.operation, fault };
  const where: Record<string, string> = {};
  for (const parameter of rest) {
    const [, spelled = '', value = ''] = /^\s*([^=\s]+)=(.*)$/s.exec(parameter.replaceAll('\\,', ',')) ?? [];
    if (spelled === '') throw malformed(text);
    const isWhere = spelled.startsWith(wherePrefix);
    const name = camelCase(isWhere ? spelled.slice(wherePrefix.length) : spelled);
    if (isWhere) where[name] = value;
    else (ofRequest.has(name) ? request : fault)[name] = readValue(name, value);
  }
  if (Object.keys(where).length > 0) request.where = where;
  return readFaultRequest(request, kebabCase);
}

/** Writes a fault as {@link parseFaultSpec} reads it. */
export function formatFaultSpec({ operation, fault, where = {}, ...more }: FaultRequest): string {
  const { kind, ...parameters } = fault;
  const all = [
    ...Object.entries({ ...parameters, ...more }).map(([name, value]) => [kebabCase(name), value] as const),
    ...Object.entries(where).map(([name, value]) => [`${wherePrefix}${kebabCase(name)}`, value] as const),
  ];
  const said = all.filter(([, value]) => value !== undefined);
  return [`${operation}=${kind}`, ...said.map(([name, value]) => `${name}=${value}`.replaceAll(',', '\\,'))].join(',');
}

/** `bytesPerSecond` -> `bytes-per-second`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A number where the parameter is one. What cannot be read stays text, and is refused by what it should have been. */
function readValue(name: string, text: string): string | number {
  const known = units[name];
  if (known === undefined) return text;
  const [, digits = '', unit = ''] = /^(-?\d+(?:\.\d+)?)\s*([A-Za-z%]*)$/.exec(text) ?? [];
  const factor = known[unit];
  return digits === '' || factor === undefined ? text : Number(digits) * factor;
}

function malformed(text: string): AppError {
  return new AppError('usage', `${JSON.stringify(text)} does not say which fault is meant.`, {
    hint: 'Write SERVICE:OPERATION=KIND[,NAME=VALUE…], for example s3:UploadPart=throttled,times=3',
  });
}
