export * from './configuration.js';
export * from './object.js';
export * from './protection.js';
