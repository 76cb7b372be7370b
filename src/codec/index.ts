export * from './compressor.js';
export * from './levels.js';
