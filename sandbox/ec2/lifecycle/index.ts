export * from './attachment.js';
export * from './delays.js';
export * from './faulty.js';
export * from './lifecycle.js';
export * from './snapshot.js';
export * from './start.js';
export * from './tasks.js';
export * from './volume.js';
