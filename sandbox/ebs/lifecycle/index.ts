export * from './activity.js';
export * from './lifecycle.js';
export * from './seal.js';
export * from './start.js';
export * from './timeout.js';
