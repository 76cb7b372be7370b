export type { Arrangements, ForeignSnapshot } from './arrangements.js';
export { byIdName, type Devices } from './devices/index.js';
export { defaultDelays, noDelays, type Ec2Delays } from './lifecycle/index.js';
export type { LazyLoading } from './lazy-loading/index.js';
export * from './service.js';
export type { Instance } from './state/index.js';
