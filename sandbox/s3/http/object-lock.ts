import { invalidArgument, S3Error } from '../errors.js';
import type { ObjectLock, Retention } from '../state/index.js';
import { header, type S3Request } from './request.js';

const modeHeader = 'x-amz-object-lock-mode';
const untilHeader = 'x-amz-object-lock-retain-until-date';
const holdHeader = 'x-amz-object-lock-legal-hold';

/** Reads the lock that a new object is to have. Throws `InvalidArgument`. */
export function readObjectLock(request: S3Request, nowMs: number): ObjectLock {
  const retention = readRetention(request, nowMs);
  const legalHold = header(request, holdHeader);
  if (legalHold !== undefined && legalHold !== 'ON' && legalHold !== 'OFF') {
    throw invalidArgument(holdHeader, legalHold, "Legal Hold must be either of 'ON' or 'OFF'");
  }
  return { ...(retention === undefined ? {} : { retention }), ...(legalHold === undefined ? {} : { legalHold }) };
}

function readRetention(request: S3Request, nowMs: number): Retention | undefined {
  const mode = header(request, modeHeader);
  const until = header(request, untilHeader);
  if (mode === undefined && until === undefined) return undefined;
  if (mode === undefined || until === undefined) {
    const message = `${untilHeader} and ${modeHeader} must both be supplied`;
    throw invalidArgument(mode === undefined ? modeHeader : untilHeader, undefined, message);
  }
  if (!isMode(mode)) throw invalidArgument(modeHeader, mode, 'Unknown wormMode directive.');
  const untilMs = parseIsoTime(until);
  if (untilMs === undefined) {
    throw invalidArgument(untilHeader, until, 'The retain until date must be provided in ISO 8601 format');
  }
  requireFuture(untilMs, nowMs, { argument: untilHeader, value: until });
  return { mode, untilMs };
}

/** Whether it is a retention mode. */
export function isMode(text: string | undefined): text is Retention['mode'] {
  return text === 'GOVERNANCE' || text === 'COMPLIANCE';
}

/** `2026-01-02T03:04:05Z`, with or without a fraction or another zone, as milliseconds since the epoch. */
export function parseIsoTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** A retention cannot begin in the past. Throws `InvalidArgument`. */
export function requireFuture(
  untilMs: number,
  nowMs: number,
  { argument, value }: { readonly argument: string; readonly value: string },
): void {
  if (untilMs > nowMs) return;
  throw invalidArgument(argument, value, 'The retain until date must be in the future!');
}

/** Whether a request asks to go round a governance retention; undefined where it says nothing of it. */
export function bypassesGovernance(request: S3Request): boolean | undefined {
  const value = header(request, 'x-amz-bypass-governance-retention');
  return value === undefined ? undefined : value.toLowerCase() === 'true';
}

/** A write that locks must bring a checksum of what it writes (PutObject, `Content-MD5`). Throws `InvalidRequest`. */
export function requireChecksumForLock(request: S3Request, what: 'Put Object' | 'Put Part'): void {
  const names = Object.keys(request.headers);
  const hasChecksum = names.some((name) => /^x-amz-checksum-(?:crc|sha)/.test(name));
  if (hasChecksum || names.includes('content-md5') || names.includes('x-amz-trailer')) return;
  throw new S3Error(
    'InvalidRequest',
    `Content-MD5 OR x-amz-checksum- HTTP header is required for ${what} requests with Object Lock parameters`,
  );
}
