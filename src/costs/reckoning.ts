// An entry of its own: what is reckoned with prices, without reading any file of anybody's, and so without what checks them.
export * from './advice.js';
export * from './break-even.js';
export * from './migration-cost.js';
export * from './moving-cost.js';
export type { PriceFile } from './price-file.js';
export * from './price-list.js';
export * from './prices.js';
export * from './snapshot-usage.js';
export * from './thaw-cost.js';
