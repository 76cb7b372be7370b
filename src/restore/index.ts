export * from './directory-target.js';
export * from './extract-tar.js';
export * from './image-target.js';
