import type { QueryParameters } from '../server/query-protocol.js';
import { notImplemented, StsError, unknownParameter, validationError } from './errors.js';

/** What STS's service model demands of a text. */
export interface TextLimits {
  readonly least: number;
  readonly most: number;
  /** As the model writes it, without anchors. */
  readonly pattern?: string;
}

/** The parameters of a request. What they violate is told by {@link Parameters.end}, all of it at once, as STS does. */
export interface Parameters {
  /** The empty text where the parameter is missing, which {@link Parameters.end} then tells. */
  required(name: string, limits: TextLimits): string;
  optional(name: string, limits: TextLimits): string | undefined;
  whole(name: string, limits: { readonly least: number; readonly most: number; readonly otherwise: number }): number;
  /** Throws `NotImplemented` where the request has one of these, which STS knows. */
  refuse(names: readonly string[]): void;
  /** Throws `InvalidQueryParameter` for what nobody read, and `ValidationError` for what breaks its limits. */
  end(): void;
}

/** Reads parameters of the Query protocol. */
export function readParameters(parameters: QueryParameters): Parameters {
  const unread = new Set(parameters.keys());
  const violations: string[] = [];
  const take = (name: string): string | undefined => {
    unread.delete(name);
    return parameters.get(name);
  };
  const optional: Parameters['optional'] = (name, limits) => {
    const value = take(name);
    if (value !== undefined) violations.push(...textViolations(name, { value, limits }));
    return value;
  };
  return {
    optional,
    required: (name, limits) => {
      const value = optional(name, limits);
      if (value === undefined) violations.push(violation(name, { value, constraint: 'Member must not be null' }));
      return value ?? '';
    },
    whole: (name, { least, most, otherwise }) => {
      const text = take(name);
      if (text === undefined) return otherwise;
      if (!/^[+-]?\d{1,9}$/.test(text)) throw new StsError('MalformedInput', `${name} is no whole number.`);
      const value = Number(text);
      const bound = value < least ? `greater than or equal to ${least}` : `less than or equal to ${most}`;
      if (value < least || value > most) {
        violations.push(violation(name, { value: text, constraint: `Member must have value ${bound}` }));
      }
      return value;
    },
    refuse: (names) => {
      const given = [...unread].find((name) => names.includes(name.replace(/\..*$/, '')));
      if (given !== undefined) throw notImplemented(`the parameter ${given.replace(/\..*$/, '')}`);
    },
    end: () => {
      const [unknown] = unread;
      if (unknown !== undefined) throw unknownParameter(unknown);
      const count = violations.length;
      if (count === 0) return;
      throw validationError(`${count} validation error${count === 1 ? '' : 's'} detected: ${violations.join('; ')}`);
    },
  };
}

function textViolations(
  name: string,
  { value, limits }: { readonly value: string; readonly limits: TextLimits },
): readonly string[] {
  const { least, most, pattern } = limits;
  const constraints = [
    value.length < least ? `Member must have length greater than or equal to ${least}` : undefined,
    value.length > most ? `Member must have length less than or equal to ${most}` : undefined,
    pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(value)
      ? `Member must satisfy regular expression pattern: ${pattern}`
      : undefined,
  ];
  return constraints.flatMap((constraint) =>
    constraint === undefined ? [] : [violation(name, { value, constraint })],
  );
}

/** `Value 'a b' at 'roleSessionName' failed to satisfy constraint: …` */
function violation(
  name: string,
  { value, constraint }: { readonly value: string | undefined; readonly constraint: string },
): string {
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  const shown = value === undefined ? 'null' : `'${value}'`;
  return `Value ${shown} at '${member}' failed to satisfy constraint: ${constraint}`;
}
