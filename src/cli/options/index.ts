export * from './bucket-name.js';
export * from './command-line.js';
export type { Environment } from './environment.js';
export { usage } from './given.js';
export * from './nearest.js';
export * from './option-table.js';
export * from './option-values.js';
export * from './option.js';
