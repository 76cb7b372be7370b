import type { Clock } from '../../../src/core/index.js';
import type { Tasks } from '../../ec2/lifecycle/tasks.js';
import type { RequestRates } from '../quotas.js';
import type { EbsDelays, EbsPaging, EbsQuotas } from '../settings.js';
import type { SnapshotPort } from '../snapshot-port.js';
import type { BlockFiles, EbsState } from '../state/index.js';
import type { Activity } from './activity.js';

/** What operations and the passing of time work on. */
export interface Lifecycle {
  readonly snapshots: SnapshotPort;
  readonly state: EbsState;
  readonly files: BlockFiles;
  readonly clock: Clock;
  readonly delays: EbsDelays;
  readonly paging: EbsPaging;
  readonly quotas: EbsQuotas;
  readonly rates: RequestRates;
  readonly activity: Activity;
  /** Snapshots whose files are being made. */
  readonly starting: Map<string, Promise<void>>;
  readonly tasks: Tasks;
}
