export * from './layout.js';
export * from './mount.js';
export * from './read-device.js';
export * from './selection.js';
export * from './strangers.js';
export * from './tar.js';
export * from './tree-size.js';
