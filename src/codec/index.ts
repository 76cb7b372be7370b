export * from './compressor.js';
export * from './frame-codec.js';
export { frameThreads, type FrameThreads } from './frame-threads.js';
export { frameWalker, type FrameWalker, type WalkedFrame, type WalkStep } from './frame-walk.js';
export { encryptFor, findGpg, type Gpg, type GpgOptions } from './gpg.js';
export { checkRecipients } from './gpg-recipients.js';
export * from './levels.js';
export { unpackThreads, type FrameUnpacker, type UnpackThreads } from './unpack-threads.js';
export { unpackLarge } from './unpack-large.js';
