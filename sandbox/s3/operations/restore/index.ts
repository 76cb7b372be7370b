export * from './restore-object.js';
export * from './restored-copy.js';
