export * from './compressor.js';
export * from './frame-codec.js';
export * from './levels.js';
