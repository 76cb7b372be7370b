import { isJsonObject, type Json, type JsonObject } from '../../server/json-protocol.js';
import type { ServiceRequest } from '../../server/service.js';
import { constraintsBroken, unknownParameter, unreadable } from '../errors.js';
import { checkNumber, checkText, newViolations, type NumberRule, type TextRule } from './constraints.js';

/** Headers that every request may have. */
const commonHeaders: ReadonlySet<string> = new Set([
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-security-token',
  'x-amz-user-agent',
]);

/** The largest number of the model's type `integer`; `long` is read as far as JavaScript counts exactly. */
const largestInteger = 2 ** 31 - 1;

/** The members of one request, wherever they stand: in its path, its query, its headers or its JSON body. */
export interface Members {
  text(name: string, rule?: TextRule): string | undefined;
  /** The value; anything where it is missing, which {@link Members.end} tells. */
  requiredText(name: string, rule?: TextRule): string;
  integer(name: string, rule?: NumberRule): number | undefined;
  /** {@link Members.requiredText} for a whole number. */
  requiredInteger(name: string, rule?: NumberRule): number;
  flag(name: string): boolean | undefined;
  /** A list of objects. */
  list(name: string): readonly JsonObject[];
  /** Throws `ValidationException` for all members that broke their rules, and for members that nobody read. */
  end(): void;
}

/** Where the members of an operation stand. */
export interface MemberPlaces {
  readonly operation: string;
  /** Of the path. */
  readonly path: Readonly<Record<string, string>>;
  /** Names of the query by member. */
  readonly query?: Readonly<Record<string, string>>;
  /** Names of headers, in small letters, by member. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body; the names of members begin with a small letter here, with a capital there. */
  readonly body?: JsonObject;
}

/** Reads the members of a request. Throws `SerializationException` for numbers that are none. */
export function readMembers(request: ServiceRequest, places: MemberPlaces): Members {
  const given = new Map<string, Json>(Object.entries(places.path));
  const unread = new Set<string>();
  const query = swapped(places.query ?? {});
  for (const [name, value] of request.url.searchParams) {
    if (/^x-amz-/i.test(name)) continue;
    const member = query.get(name);
    if (member === undefined) throw unknownParameter(places.operation, name);
    given.set(member, value);
  }
  const headers = swapped(places.headers ?? {});
  for (const [name, value] of Object.entries(request.headers)) {
    const member = headers.get(name);
    if (member !== undefined) given.set(member, String(value));
    else if (name.startsWith('x-amz-') && !commonHeaders.has(name)) throw unknownParameter(places.operation, name);
  }
  for (const [name, value] of Object.entries(places.body ?? {})) {
    const member = name.charAt(0).toLowerCase() + name.slice(1);
    if (value !== null) given.set(member, value);
    unread.add(member);
  }
  const violations = newViolations();
  const take = (name: string): Json | undefined => {
    unread.delete(name);
    return given.get(name);
  };
  const text = (name: string, rule: TextRule = {}): string | undefined => {
    const value = textOf(take(name), name);
    if (value !== undefined) checkText(violations, { name, value }, rule);
    return value;
  };
  const integer = (name: string, rule: NumberRule = {}): number | undefined => {
    const value = integerOf(take(name), name);
    if (value !== undefined) checkNumber(violations, { name, value }, rule);
    return value;
  };
  const required = <T>(name: string, value: T | undefined): T | undefined => {
    if (value === undefined) violations.add(name, undefined, 'Member must not be null');
    return value;
  };
  return {
    text,
    requiredText: (name, rule) => required(name, text(name, rule)) ?? '',
    integer,
    requiredInteger: (name, rule) => required(name, integer(name, rule)) ?? 0,
    flag: (name) => {
      const value = take(name);
      if (value === undefined || typeof value === 'boolean') return value;
      throw unreadable(`The member ${name} is neither true nor false.`);
    },
    list: (name) => {
      const value = take(name) ?? [];
      if (!Array.isArray(value)) throw unreadable(`The member ${name} is no list.`);
      return value.map((one: Json) => {
        if (!isJsonObject(one)) throw unreadable(`The member ${name} has an element that is no object.`);
        return one;
      });
    },
    end: () => {
      for (const name of unread) throw unknownParameter(places.operation, name);
      if (violations.found.length > 0) throw constraintsBroken(violations.found);
    },
  };
}

function swapped(names: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(names).map(([member, name]) => [name, member]));
}

function textOf(value: Json | undefined, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw unreadable(`The member ${name} is no text.`);
}

function integerOf(value: Json | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  const isWhole = typeof number === 'number' && Number.isSafeInteger(number);
  if (!isWhole || (typeof value === 'string' && Math.abs(number) > largestInteger)) {
    throw unreadable(`The member ${name} is no whole number.`);
  }
  return number;
}
