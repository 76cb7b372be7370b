export * from './bucket.js';
export * from './confirm.js';
export * from './lease.js';
export * from './multipart.js';
export * from './object-store.js';
export * from './part-buffer.js';
export * from './upload-guard.js';
export * from './upload.js';
