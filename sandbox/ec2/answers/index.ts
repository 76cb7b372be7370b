export * from './instance.js';
export * from './snapshot.js';
export * from './tag.js';
export * from './volume.js';
