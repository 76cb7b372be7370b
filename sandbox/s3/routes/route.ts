import type { AccessRule } from '../access/index.js';
import type { Operation } from '../operations/operation.js';

/** How a request is recognised, what it takes to be allowed, and what answers it. */
export interface Route extends Work {
  /** The name in S3's API reference. */
  readonly name: string;
  readonly method: string;
  readonly on: 'service' | 'bucket' | 'object';
  /** Query parameters that must be there (with this value, where one is given). */
  readonly query: ReadonlyMap<string, string>;
}

interface Work {
  /** What IAM must allow before the operation begins. */
  readonly access: AccessRule;
  readonly operation: Operation;
  /** A header that must be there. */
  readonly header?: string;
  /** Query parameters that may be there. Any other one makes the request something that the sandbox does not have. */
  readonly optional?: readonly string[];
}

/** Makes a route for a target like `GET bucket?list-type=2`; a parameter without a value may have any. */
export function route(
  name: string,
  target: `${string} ${Route['on']}` | `${string} ${Route['on']}?${string}`,
  work: Work,
): Route {
  const [method = '', where = ''] = target.split(' ');
  const [on = '', query] = where.split('?');
  return { name, method, on: on as Route['on'], query: new Map(new URLSearchParams(query)), ...work };
}
