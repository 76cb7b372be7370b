export * from './disk-files.js';
export * from './model.js';
export * from './store.js';
