export * from './accesses.js';
export * from './arns.js';
export { requestTagConditions } from './conditions.js';
export * from './context.js';
