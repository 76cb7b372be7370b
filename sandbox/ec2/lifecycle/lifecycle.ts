import type { Clock } from '../../../src/core/index.js';
import type { Devices } from '../devices/index.js';
import type { DiskFiles, Ec2State } from '../state/index.js';
import type { Ec2Delays } from './delays.js';
import type { Tasks } from './tasks.js';

/** What the transitions of volumes, snapshots and attachments work on. */
export interface Lifecycle {
  readonly state: Ec2State;
  readonly files: DiskFiles;
  readonly devices: Devices;
  readonly clock: Clock;
  readonly delays: Ec2Delays;
  readonly tasks: Tasks;
  /** Told what an operator should know and no request can answer. */
  readonly onNotice: (text: string) => void;
}
