import { Ec2Error, invalidParameterValue } from '../errors.js';
import type { Tag } from '../state/index.js';
import type { Parameters } from './parameters.js';

/** A condition of a Describe action: the resource must have one of the values. Several conditions must all hold. */
export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** What a kind of resource can be filtered by. */
export interface Filterable<T> {
  /** Filter name -> the values that a resource has for it. */
  readonly fields: Readonly<Record<string, (resource: T) => readonly string[]>>;
  /** The tags that `tag:<key>` looks at. */
  readonly tagsOf: (resource: T) => readonly Tag[];
}

const mostValues = 200;
const tagPrefix = 'tag:';

/**
 * Reads `Filter.N.Name` and `Filter.N.Value.M`. Throws `InvalidParameterValue` for a filter that the resource does not
 * have and `FilterLimitExceeded` beyond 200 values.
 */
export function readFilters<T>(parameters: Parameters, filterable: Filterable<T>): readonly Filter[] {
  const filters = parameters.groups('Filter').map((group) => {
    const name = group.required('Name');
    const values = group.list('Value');
    const isTag = name.startsWith(tagPrefix) && name.length > tagPrefix.length;
    if (!isTag && !Object.hasOwn(filterable.fields, name)) {
      throw invalidParameterValue(`The filter '${name}' is invalid`);
    }
    if (values.length === 0) throw invalidParameterValue(`The filter '${name}' must have at least one value`);
    return { name, values };
  });
  if (filters.reduce((sum, { values }) => sum + values.length, 0) > mostValues) {
    throw new Ec2Error('FilterLimitExceeded', `A request can have at most ${mostValues} filter values`);
  }
  return filters;
}

/** Whether a resource passes all filters. Values are case-sensitive; `*`, `?` and `\` work as in EC2. */
export function passes<T>(resource: T, filters: readonly Filter[], filterable: Filterable<T>): boolean {
  return filters.every(({ name, values }) => {
    const has = valuesOf(resource, name, filterable);
    return values.some((pattern) => has.some((value) => matches(value, pattern)));
  });
}

function valuesOf<T>(resource: T, name: string, { fields, tagsOf }: Filterable<T>): readonly string[] {
  const field = fields[name];
  if (field !== undefined) return field(resource);
  const wanted = name.slice(tagPrefix.length);
  return tagsOf(resource)
    .filter(({ key }) => key === wanted)
    .map(({ value }) => value);
}

/** `*` any text, `?` any one character, `\` takes the next character as it is. */
export function matches(value: string, pattern: string): boolean {
  const expression = pattern.replace(/\\([\s\S])|[\s\S]/gu, (token: string, escaped: string | undefined) => {
    if (escaped !== undefined) return literal(escaped);
    if (token === '*') return '[\\s\\S]*';
    return token === '?' ? '[\\s\\S]' : literal(token);
  });
  return new RegExp(`^${expression}$`, 'u').test(value);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
