export * from './imds.js';
export { roleName, type ImdsInstance, type InstanceTag } from './metadata.js';
export { defaultMetadataOptions, type MetadataOptions } from './metadata-options.js';
export * from './role-keys.js';
