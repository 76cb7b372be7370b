export * from './fetch-prices.js';
export * from './price-file.js';
export * from './reckoning.js';
export * from './report/index.js';
