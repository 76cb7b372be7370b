export * from './bodies.js';
export * from './model.js';
export * from './key-index.js';
export * from './store.js';
export * from './utf8-order.js';
export * from './write-body.js';
export * from './version-ids.js';
export { findVersion } from './versions.js';
