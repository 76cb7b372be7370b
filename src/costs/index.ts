export * from './migration-cost.js';
export * from './prices.js';
