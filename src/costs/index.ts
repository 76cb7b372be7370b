export * from './migration-cost.js';
export * from './prices.js';
export * from './thaw-cost.js';
export * from './break-even.js';
export * from './price-file.js';
export * from './report/index.js';
export * from './snapshot-usage.js';
