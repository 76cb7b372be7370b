export * from './failure.js';
export * from './run.js';
export * from './start.js';
