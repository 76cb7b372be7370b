export { byIdName } from './by-id.js';
export * from './devices.js';
