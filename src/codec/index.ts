export * from './compressor.js';
export * from './frame-codec.js';
export { frameThreads, type FrameThreads } from './frame-threads.js';
export { encryptFor, findGpg, type Gpg, type GpgOptions } from './gpg.js';
export { checkRecipients } from './gpg-recipients.js';
export * from './levels.js';
