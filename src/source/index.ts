export * from './attachment.js';
export * from './claim.js';
export * from './ec2.js';
export * from './find-device.js';
export * from './instance.js';
export * from './snapshot.js';
export * from './temporary-volume.js';
export * from './volume.js';
