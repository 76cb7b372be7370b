export { checkedByIndex, type IndexFinding } from './check-index.js';
export { compareImages, type DifferingRange, type ImageComparison, type ImageSum } from './compare-images.js';
export { compareTrees, type TreeComparison, type TreeFinding } from './compare-trees.js';
export { differencesOf, type Aspect, type Difference } from './difference.js';
export { comparePaths, comparePathTexts } from './path-order.js';
export { sortEntries, type SortOptions } from './sort-entries.js';
export type { TreeEntry } from './tree-entry.js';
export { walkDisk, type WalkOptions } from './walk-disk.js';
