import { differencesOf, isContentUnknown, type Aspect, type Difference, type Precision } from './difference.js';
import { mergeByPath } from './merge-by-path.js';
import type { TreeEntry } from './tree-entry.js';

/** A path at which archive and source are not the same. */
export type TreeFinding =
  /** The source has it, the archive does not. */
  | { readonly kind: 'missing'; readonly path: Buffer; readonly type: TreeEntry['type'] }
  /** The archive has it, the source does not. */
  | { readonly kind: 'extra'; readonly path: Buffer; readonly type: TreeEntry['type'] }
  /** The archive has it more than once. */
  | { readonly kind: 'duplicate'; readonly path: Buffer; readonly type: TreeEntry['type'] }
  | { readonly kind: 'different'; readonly path: Buffer; readonly differences: readonly Difference[] };

/** What was compared. */
export interface TreeComparison {
  /** Paths that both sides have. */
  readonly entries: number;
  readonly files: number;
  /** Bytes of content of those files. */
  readonly contentBytes: number;
  /** Files of more than 16 GiB of holes, of whose content only the size was compared. */
  readonly contentUnknown: number;
  readonly findings: number;
  readonly aspects: readonly Aspect[];
}

const names = { left: 'The tar', right: 'The disk' } as const;

const exactAspects: readonly Aspect[] = [
  'type',
  'content',
  'size',
  'mode',
  'owner',
  'mtime',
  'target',
  'hard-link',
  'device',
  'xattr',
  'acl',
];
const inexactAspects = exactAspects.filter((aspect) => aspect !== 'xattr' && aspect !== 'acl');

/**
 * Compares two trees that come in the order of `comparePaths`, and tells each path at which they are not the same. Memory
 * does not grow with them. Throws what either side throws, and `corrupt-archive` for an archive that is out of order.
 */
export async function compareTrees(
  archive: AsyncIterable<TreeEntry>,
  source: AsyncIterable<TreeEntry>,
  options: Precision & { readonly onFinding: (finding: TreeFinding) => void | Promise<void> },
): Promise<TreeComparison> {
  let entries = 0;
  let files = 0;
  let contentBytes = 0;
  let contentUnknown = 0;
  let findings = 0;
  let lastInBoth: Buffer | undefined;
  const found = async (finding: TreeFinding): Promise<void> => {
    findings += 1;
    await options.onFinding(finding);
  };
  for await (const { left, right } of mergeByPath(archive, source, names)) {
    if (left === undefined) await found({ kind: 'missing', path: right.path, type: right.type });
    else if (right === undefined) {
      const isAgain = lastInBoth?.equals(left.path) === true;
      await found({ kind: isAgain ? 'duplicate' : 'extra', path: left.path, type: left.type });
    } else {
      lastInBoth = left.path;
      entries += 1;
      if (isContentUnknown(left, right)) contentUnknown += 1;
      else if (right.type === 'file') {
        files += 1;
        contentBytes += right.sizeBytes;
      }
      const differences = differencesOf(left, right, options);
      if (differences.length > 0) await found({ kind: 'different', path: left.path, differences });
    }
  }
  const aspects = options.exact ? exactAspects : inexactAspects;
  return { entries, files, contentBytes, contentUnknown, findings, aspects };
}
