export { coldMapOf, createColdMap, removeColdMap } from './cold-blocks.js';
export * from './lazy-files.js';
