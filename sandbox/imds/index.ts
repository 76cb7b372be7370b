export * from './credentials.js';
export * from './imds.js';
export { roleName } from './metadata.js';
