import { Ec2Error, invalidParameterCombination, invalidParameterValue } from '../errors.js';
import type { Parameters } from './parameters.js';

/** Which part of a listing is wanted. */
export interface PageRequest {
  /** Undefined: everything. */
  readonly maxResults: number | undefined;
  /** The page begins after the resource at this place; undefined: from the start. */
  readonly after: Place | undefined;
}

/** Where a resource stands in a listing: by sequence, then by the order within (the tags of one resource). */
export type Place = readonly [sequence: number, index: number];

/** A part of a listing and the token for the next one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

/** What an action allows. */
export interface PageLimits {
  readonly action: string;
  readonly least: number;
  /** More than this is taken as this, as EC2 documents it. */
  readonly most: number;
  /** Size of a page for which nothing was asked; undefined: all there is. */
  readonly unasked?: number;
  /** The name of the list of ids with which paging cannot be combined, and whether it was given. */
  readonly idList?: { readonly name: string; readonly given: boolean };
}

/** Reads `MaxResults` and `NextToken`. */
export function readPage(parameters: Parameters, limits: PageLimits): PageRequest {
  const maxResults = parameters.integer('MaxResults');
  const token = parameters.text('NextToken');
  if (maxResults !== undefined && maxResults < limits.least) {
    throw invalidParameterValue(
      `Value ( ${maxResults} ) for parameter maxResults is invalid. Expecting a value greater than ${limits.least}.`,
    );
  }
  if (limits.idList?.given === true && maxResults !== undefined) {
    throw invalidParameterCombination(
      `The parameter ${limits.idList.name} cannot be used with the parameter maxResults`,
    );
  }
  const wanted = maxResults ?? limits.unasked;
  return {
    maxResults: wanted === undefined ? undefined : Math.min(wanted, limits.most),
    after: token === undefined || token === '' ? undefined : placeOf(token, limits.action),
  };
}

/**
 * Cuts the page out of a listing that is in the order of its places. Looks no further than the next item after the page,
 * and at nothing but the place of what is before it.
 */
export function pageOf<T>(
  all: Iterable<T>,
  request: PageRequest,
  options: {
    readonly action: string;
    readonly place: (item: T) => Place;
    readonly passes: (item: T) => boolean;
  },
): Page<T> {
  const { after, maxResults } = request;
  const items: T[] = [];
  for (const item of all) {
    if (after !== undefined && !isAfter(options.place(item), after)) continue;
    if (!options.passes(item)) continue;
    const last = items.at(-1);
    if (last !== undefined && items.length === maxResults) {
      return { items, nextToken: tokenOf(options.action, options.place(last)) };
    }
    items.push(item);
  }
  return { items, nextToken: undefined };
}

function isAfter(place: Place, other: Place): boolean {
  return place[0] > other[0] || (place[0] === other[0] && place[1] > other[1]);
}

/** Opaque to clients; a resource that was deleted between two pages does not disturb it. */
function tokenOf(action: string, place: Place): string {
  return Buffer.from([action, ...place].join(' ')).toString('base64url');
}

function placeOf(token: string, action: string): Place {
  const match = /^(\w+) (\d+) (\d+)$/.exec(Buffer.from(token, 'base64url').toString());
  if (match?.[1] !== action) throw new Ec2Error('InvalidNextToken', `The token '${token}' is invalid`);
  return [Number(match[2]), Number(match[3])];
}
