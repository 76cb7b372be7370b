export * from './failure.js';
export * from './identity.js';
export * from './run.js';
export * from './start.js';
