// An entry of its own: nothing here needs the SDK for S3, which takes long to load.
export * from './advise.js';
export * from './analyze.js';
