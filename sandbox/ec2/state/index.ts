export * from './disk-files.js';
export type * from './model.js';
export type { Region } from './region.js';
export * from './store.js';
