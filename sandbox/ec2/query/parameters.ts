import type { QueryParameters } from '../../server/query-protocol.js';
import { invalidParameterValue, missingParameter, unknownParameter } from '../errors.js';

/**
 * The parameters of one request, read by name. What was never asked for is unknown to the action, and
 * {@link Parameters.end} says so: nothing is ignored in silence.
 */
export interface Parameters {
  /** The value, or undefined where the parameter is absent. */
  text(name: string): string | undefined;
  /** The value. Throws `MissingParameter`. */
  required(name: string): string;
  /** A whole number. Throws `InvalidParameterValue`. */
  integer(name: string): number | undefined;
  /** `true` or `false`; false where it is absent. Throws `InvalidParameterValue`. */
  flag(name: string): boolean;
  /** `Name.1`, `Name.2`, … in the order of their numbers. */
  list(name: string): readonly string[];
  /** `Name.1.x`, `Name.2.y`, …: the parameters of each number. */
  groups(name: string): readonly Parameters[];
  /** Throws `UnknownParameter` for the first parameter that nobody has read. */
  end(): void;
}

/** Reads the parameters of a Query request. */
export function readParameters(given: QueryParameters): Parameters {
  return level({ given, unread: new Set(given.keys()) }, '');
}

interface Source {
  readonly given: QueryParameters;
  readonly unread: Set<string>;
}

function level(source: Source, prefix: string): Parameters {
  const { given, unread } = source;
  const text = (name: string): string | undefined => {
    unread.delete(prefix + name);
    return given.get(prefix + name);
  };
  return {
    text,
    required: (name) => {
      const value = text(name);
      if (value === undefined || value === '') throw missingParameter(lowerFirst(prefix + name));
      return value;
    },
    integer: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^-?\d{1,15}$/.test(value)) throw invalidValue(prefix + name, value, 'Expected a whole number.');
      return Number(value);
    },
    flag: (name) => {
      const value = text(name)?.toLowerCase() ?? 'false';
      if (value !== 'true' && value !== 'false')
        throw invalidValue(prefix + name, value, "Expected 'true' or 'false'.");
      return value === 'true';
    },
    list: (name) => numbers(source, `${prefix}${name}.`, '').map((number) => text(`${name}.${number}`) ?? ''),
    groups: (name) =>
      numbers(source, `${prefix}${name}.`, '.').map((number) => level(source, `${prefix}${name}.${number}.`)),
    end: () => {
      for (const name of unread) throw unknownParameter(name);
    },
  };
}

/** The numbers N of parameters `<start>N<end>…`, ascending. */
function numbers({ given }: Source, start: string, end: '' | '.'): readonly number[] {
  const found = new Set<number>();
  for (const key of given.keys()) {
    if (!key.startsWith(start)) continue;
    const rest = key.slice(start.length);
    const number = (end === '' ? /^(\d{1,6})$/ : /^(\d{1,6})\./).exec(rest)?.[1];
    if (number !== undefined) found.add(Number(number));
  }
  return [...found].sort((a, b) => a - b);
}

function invalidValue(name: string, value: string, expected: string): Error {
  return invalidParameterValue(`Value (${value}) for parameter ${lowerFirst(name)} is invalid. ${expected}`);
}

/** EC2 answers with parameter names as the model of its SDK spells them: `availabilityZone`. */
function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
