export * from './compressor.js';
export * from './frame-codec.js';
export { frameThreads, type FrameThreads } from './frame-threads.js';
export * from './levels.js';
