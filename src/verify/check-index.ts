import type { TarEntry } from '../archive/index.js';
import { differencesOf, type Difference } from './difference.js';
import { mergeByPath } from './merge-by-path.js';

/** A path at which tar and index are not the same. */
export type IndexFinding =
  /** The tar has it, the index does not; or the other way round. */
  | { readonly kind: 'not-in-index' | 'not-in-tar'; readonly path: Buffer }
  | { readonly kind: 'different'; readonly path: Buffer; readonly differences: readonly Difference[] };

const names = { left: 'The tar', right: 'The index' } as const;

/**
 * Passes the entries of a tar on, and tells where its index says something else; both come in the order of
 * `comparePaths`. Memory does not grow with them. Throws what either side throws, and `corrupt-archive` for a side that is
 * out of order.
 */
export async function* checkedByIndex(
  tar: AsyncIterable<TarEntry>,
  index: AsyncIterable<TarEntry>,
  onFinding: (finding: IndexFinding) => void,
): AsyncGenerator<TarEntry, void> {
  for await (const { left, right } of mergeByPath(tar, index, names)) {
    if (left === undefined) {
      onFinding({ kind: 'not-in-tar', path: right.path });
      continue;
    }
    if (right === undefined) onFinding({ kind: 'not-in-index', path: left.path });
    else {
      const differences = [...differencesOf(left, right, { exact: true }), ...places(left, right)];
      if (differences.length > 0) onFinding({ kind: 'different', path: left.path, differences });
    }
    yield left;
  }
}

function places(tar: TarEntry, index: TarEntry): readonly Difference[] {
  const [archive, source] = [tar, index].map(
    ({ offset, storedBytes }) => `${storedBytes} bytes from byte ${offset} on`,
  );
  if (archive === source || archive === undefined || source === undefined) return [];
  return [{ what: 'place', archive, source }];
}
