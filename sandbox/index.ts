export { defaultEbsDelays, noQuotas, type EbsDelays, type EbsPaging, type EbsQuotas } from './ebs/index.js';
export { defaultDelays, noDelays, type Ec2Delays } from './ec2/index.js';
export type { Fault, FaultKind, FaultRequest, Faults, InjectedFault } from './faults/index.js';
export * from './start.js';
export { runningSandbox, type RunningSandbox } from './state-lock.js';
