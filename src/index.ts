/** The library: the same rooms that the command uses. Compose them as `src/cli/compose.ts` does. */
export * from './archive/index.js';
export * from './commands/index.js';
export * from './core/index.js';
export * from './costs/index.js';
export { createEc2, currentInstance, type Ec2, type Instance, type Snapshot } from './source/index.js';
export { type ObjectStore, type ServerSideEncryption, type StoredObject } from './store/index.js';
