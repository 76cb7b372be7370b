export type { ClockOffset, Cloud, FoundCredentials } from './cloud.js';
export { doctor, type DoctorDependencies, type DoctorRequest } from './doctor.js';
export type { Finding, FindingGroup, FindingStatus } from './finding.js';
export type { MachineFacts } from './machine.js';
