import { BlockList, isIP } from 'node:net';
import { parseArnPattern } from './arn.js';
import type { RequestContext } from './context.js';
import { MalformedPolicy } from './malformed.js';
import { fillIn, parseTemplate } from './template.js';
import { lowerCased, matchesPattern, type Pattern } from './wildcard.js';

/** A value of a condition, ready to be held against a value of the request. */
export type Test = (value: string, context: RequestContext) => boolean;

/** What a condition's value is read with. */
export interface ComparisonOptions {
  /** Where it stands in the policy, for errors. */
  readonly place: string;
  /** Whether `${…}` is a variable. */
  readonly variables: boolean;
}

/** Reads a value of a condition. Throws {@link MalformedPolicy} for one that cannot be compared so. */
export type Comparison = (wanted: string, options: ComparisonOptions) => Test;

/** The same text, case and all. */
export const stringEquals: Comparison = strings({ wildcards: false });

/** The same text but for case. */
export const stringEqualsIgnoreCase: Comparison = (wanted, options) => {
  const template = parseTemplate(wanted, { ...options, wildcards: false });
  return (value, context) => {
    const pattern = fillIn(template, context);
    return pattern !== undefined && matchesPattern(lowerCased(pattern), value.toLowerCase());
  };
};

/** The same text, where `*` and `?` stand for others. */
export const stringLike: Comparison = strings({ wildcards: true });

/** The same ARN, section by section, where `*` and `?` stand for other characters. */
export const arnLike: Comparison = (wanted, options) => {
  const pattern = parseArnPattern(wanted, { ...options, passesColons: false });
  return (value, context) => pattern.matches(value, context);
};

/** `true` or `false`, in any case. */
export const bool: Comparison = (wanted, { place }) => {
  const flag = parseFlag(wanted, place);
  return (value) => value.toLowerCase() === String(flag);
};

/** An address in a range: `203.0.113.0/24`, `2001:db8::/32`, or one address. */
export const ipAddress: Comparison = (wanted, { place }) => {
  const [address = '', prefix, ...others] = wanted.split('/');
  const version = isIP(address);
  const bits = version === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : Number(/^\d{1,3}$/.test(prefix) ? prefix : Number.NaN);
  if (version === 0 || others.length > 0 || !(length <= bits)) {
    throw new MalformedPolicy(place, `${JSON.stringify(wanted)} is no range of IP addresses.`);
  }
  const range = new BlockList();
  range.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4');
  return (value) => isIP(value) !== 0 && range.check(value, isIP(value) === 6 ? 'ipv6' : 'ipv4');
};

/** Compares numbers with whole and decimal digits. */
export function numeric(compare: (value: number, wanted: number) => boolean): Comparison {
  return ordered({ read: readNumber, what: 'number', compare });
}

/** Compares times: of ISO 8601 as the W3C narrows it, or seconds since the epoch. */
export function date(compare: (value: number, wanted: number) => boolean): Comparison {
  return ordered({ read: readDate, what: 'date', compare });
}

/** `true` or `false`, in any case. Throws {@link MalformedPolicy} for anything else. */
export function parseFlag(text: string, place: string): boolean {
  const flag = text.toLowerCase();
  if (flag !== 'true' && flag !== 'false') {
    throw new MalformedPolicy(place, `${JSON.stringify(text)} is neither true nor false.`);
  }
  return flag === 'true';
}

function strings({ wildcards }: { readonly wildcards: boolean }): Comparison {
  return (wanted, options) => {
    const template = parseTemplate(wanted, { ...options, wildcards });
    return (value, context) => {
      const pattern: Pattern | undefined = fillIn(template, context);
      return pattern !== undefined && matchesPattern(pattern, value);
    };
  };
}

function ordered(kind: {
  readonly read: (text: string) => number | undefined;
  readonly what: string;
  readonly compare: (value: number, wanted: number) => boolean;
}): Comparison {
  return (text, { place }) => {
    const wanted = kind.read(text);
    if (wanted === undefined) throw new MalformedPolicy(place, `${JSON.stringify(text)} is no ${kind.what}.`);
    return (value) => {
      const known = kind.read(value);
      return known !== undefined && kind.compare(known, wanted);
    };
  };
}

function readNumber(text: string): number | undefined {
  return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** Milliseconds since the epoch. Four digits are a year, more are seconds. */
function readDate(text: string): number | undefined {
  if (/^\d{5,}$/.test(text)) return Number(text) * 1000;
  const isIso = /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?$/.test(text);
  const ms = isIso ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
