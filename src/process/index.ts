export * from './failure.js';
export * from './identity.js';
export * from './installed.js';
export * from './program-bytes.js';
export * from './run.js';
export * from './start.js';
export * from './through-program.js';
export * from './until-ended.js';
