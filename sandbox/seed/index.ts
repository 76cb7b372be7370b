export {
  attachedVolume,
  until,
  type AttachedVolume,
  type Machine,
  type SeedTools,
  type VolumeOrigin,
} from './attached-volume.js';
export { buildDisk, type BuiltPart, type DiskSpec, type Filling, type PartitionSpec } from './build-disk.js';
export { demoDisks, type DemoDisk } from './demo-disks.js';
export { fillFilesystem, type Content, type ContentSpec } from './fill.js';
export { findMachine, seed, type SeededSnapshot, type SeedOptions } from './seed.js';
