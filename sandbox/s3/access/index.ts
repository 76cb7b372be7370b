export * from './access.js';
export { conditionKeys } from './condition-keys.js';
export * from './rules.js';
