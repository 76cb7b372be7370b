export * from './control.js';
export type { Fault, FaultKind, FaultRequest } from './fault.js';
export { newFaultInjection, type FaultInjection, type Faults } from './faults.js';
export type { InjectedFault } from './injected-fault.js';
export { formatFaultSpec, parseFaultSpec } from './spec-text.js';
