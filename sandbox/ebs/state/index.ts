export * from './block-files.js';
export * from './model.js';
export * from './store.js';
