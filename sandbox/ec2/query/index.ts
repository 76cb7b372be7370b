export * from './answer.js';
export * from './filters.js';
export * from './paging.js';
export * from './parameters.js';
export * from './tags.js';
export * from './wildcard.js';
export * from './xml.js';
