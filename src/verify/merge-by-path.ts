import { AppError, printable } from '../core/index.js';
import { comparePaths } from './path-order.js';

interface Named {
  readonly path: Buffer;
}

/** What the sides are, for the message: `The tar`. */
export interface SideNames {
  readonly left: string;
  readonly right: string;
}

/** One path with what either side has there; at least one has something. */
export type Pair<Left, Right> =
  | { readonly left: Left; readonly right: Right }
  | { readonly left: Left; readonly right: undefined }
  | { readonly left: undefined; readonly right: Right };

/**
 * Brings together what two sides have at the same path; both come in the order of `comparePaths`. Holds one of each. A side
 * that has a path twice gives a pair for each. Throws `corrupt-archive` for a side that is out of order.
 */
export async function* mergeByPath<Left extends Named, Right extends Named>(
  left: AsyncIterable<Left>,
  right: AsyncIterable<Right>,
  names: SideNames,
): AsyncGenerator<Pair<Left, Right>, void> {
  const lefts = inOrder(left, names.left);
  const rights = inOrder(right, names.right);
  try {
    let [one, other] = await Promise.all([lefts.next(), rights.next()]);
    while (one.done !== true || other.done !== true) {
      const order = one.done === true ? 1 : other.done === true ? -1 : comparePaths(one.value.path, other.value.path);
      if (one.done !== true && other.done !== true && order === 0) {
        yield { left: one.value, right: other.value };
        [one, other] = await bothNext(lefts, rights);
      } else if (one.done !== true && order < 0) {
        yield { left: one.value, right: undefined };
        one = await lefts.next();
      } else if (other.done !== true) {
        yield { left: undefined, right: other.value };
        other = await rights.next();
      }
    }
  } finally {
    await Promise.all([lefts.return(), rights.return()]);
  }
}

/** Both at once, but with neither left running when the other fails. */
async function bothNext<Left, Right>(
  lefts: AsyncGenerator<Left, void>,
  rights: AsyncGenerator<Right, void>,
): Promise<[IteratorResult<Left, void>, IteratorResult<Right, void>]> {
  const [one, other] = await Promise.allSettled([lefts.next(), rights.next()]);
  if (one.status === 'rejected') throw one.reason;
  if (other.status === 'rejected') throw other.reason;
  return [one.value, other.value];
}

async function* inOrder<Entry extends Named>(entries: AsyncIterable<Entry>, name: string): AsyncGenerator<Entry, void> {
  let before: Buffer | undefined;
  for await (const entry of entries) {
    if (before !== undefined && comparePaths(before, entry.path) > 0) throw outOfOrder(name, entry.path);
    before = entry.path;
    yield entry;
  }
}

function outOfOrder(name: string, path: Buffer): AppError {
  const text = `${name} is not in the order in which snap-to-s3 writes: ${printable(path.toString())} comes too late.`;
  return new AppError('corrupt-archive', text);
}
