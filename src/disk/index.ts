export * from './layout.js';
export * from './mount.js';
export * from './read-device.js';
export * from './selection.js';
export * from './tar.js';
