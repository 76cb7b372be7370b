import { Ec2Error, invalidParameterValue } from '../errors.js';
import type { Tag } from '../state/index.js';
import type { Parameters } from './parameters.js';
import { wildcard } from './wildcard.js';

/** A condition of a Describe action: the resource must have one of the values. Several conditions must all hold. */
export interface Filter<T> {
  readonly name: string;
  holds(resource: T): boolean;
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
export function readFilters<T>(parameters: Parameters, filterable: Filterable<T>): readonly Filter<T>[] {
  let count = 0;
  const filters = parameters.groups('Filter').map((group) => {
    const name = group.required('Name');
    const values = group.list('Value');
    const valuesOf = valuesFor(name, filterable);
    if (valuesOf === undefined) throw invalidParameterValue(`The filter '${name}' is invalid`);
    if (values.length === 0) throw invalidParameterValue(`The filter '${name}' must have at least one value`);
    count += values.length;
    return { name, holds: oneOf(values, valuesOf) };
  });
  if (count > mostValues) {
    throw new Ec2Error('FilterLimitExceeded', `A request can have at most ${mostValues} filter values`);
  }
  return filters;
}

/** Whether a resource passes all filters. Values are case-sensitive; `*`, `?` and `\` work as in EC2. */
export function passes<T>(resource: T, filters: readonly Filter<T>[]): boolean {
  return filters.every((filter) => filter.holds(resource));
}

/** Patterns are made once for a request, however many resources they meet. */
function oneOf<T>(values: readonly string[], valuesOf: (resource: T) => readonly string[]): Filter<T>['holds'] {
  const patterns = values.map(wildcard);
  return (resource) => valuesOf(resource).some((value) => patterns.some((matches) => matches(value)));
}

function valuesFor<T>(
  name: string,
  { fields, tagsOf }: Filterable<T>,
): ((resource: T) => readonly string[]) | undefined {
  if (Object.hasOwn(fields, name)) return fields[name];
  if (!name.startsWith(tagPrefix) || name.length === tagPrefix.length) return undefined;
  const wanted = name.slice(tagPrefix.length);
  return (resource) =>
    tagsOf(resource)
      .filter(({ key }) => key === wanted)
      .map(({ value }) => value);
}
