export { routes } from './operations/index.js';
export * from './service.js';
export {
  defaultEbsDelays,
  defaultPaging,
  defaultQuotas,
  noQuotas,
  type EbsDelays,
  type EbsPaging,
  type EbsQuotas,
} from './settings.js';
export type { NewSnapshot, SnapshotFacts, SnapshotPort, SnapshotTag } from './snapshot-port.js';
