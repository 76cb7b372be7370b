import type { Clock } from '../../src/core/index.js';
import { queryAction } from '../server/query-protocol.js';
import type { SnapshotPort } from '../ebs/snapshot-port.js';
import type { Service } from '../server/service.js';
import { loopDevices, type Devices } from './devices/index.js';
import { arrangements, type Arrangements } from './arrangements.js';
import { directAccess } from './direct-access.js';
import { dispatcher, refuse } from './dispatch.js';
import { defaultDelays, newTasks, pause, resume, type Ec2Delays, type Lifecycle } from './lifecycle/index.js';
import type { LazyLoading } from './lazy-loading/index.js';
import { operations } from './operations/index.js';
import { particulars, serviceOperations } from './service-operations.js';
import { openDiskFiles, openState, type Instance } from './state/index.js';

/** What EC2 needs. */
export interface Ec2Options {
  /** Where the state and the bytes of volumes and snapshots are. One service at a time may have it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly delays?: Partial<Ec2Delays>;
  /** Told what an operator should know and no request can answer. */
  readonly onNotice?: (text: string) => void;
  /** Volumes of snapshots give each block slowly until it has been read once. Default: they do not. */
  readonly lazyLoading?: LazyLoading | undefined;
  /** How volumes become devices; loop devices of this machine if not given. */
  readonly devices?: Devices;
}

/** EC2, with the one machine it has. */
export interface Ec2Service extends Service {
  readonly instance: Instance;
  readonly arrange: Arrangements;
  /** What EBS direct works on. */
  readonly snapshots: SnapshotPort;
}

/**
 * Opens EC2 on its directory and takes up what the last run left: attached volumes have their devices again when it
 * resolves. `close` takes the devices away and keeps the attachments. Throws `usage` for a directory that is not its own.
 */
export async function createEc2Service(options: Ec2Options): Promise<Ec2Service> {
  const { directory, clock, lazyLoading, onNotice = () => undefined } = options;
  const state = await openState(directory, { clock });
  const lifecycle: Lifecycle = {
    state,
    files: await openDiskFiles(directory, { lazyLoading: lazyLoading !== undefined }),
    devices: options.devices ?? loopDevices({ clock, lazyLoading }),
    clock,
    delays: { ...defaultDelays, ...options.delays },
    tasks: newTasks({ onNotice }),
    onNotice,
  };
  await resume(lifecycle);
  await state.save();
  let closed: Promise<void> | undefined;
  return {
    signingName: 'ec2',
    get instance() {
      return state.instance;
    },
    arrange: arrangements(lifecycle),
    snapshots: directAccess(lifecycle),
    bodies: 'whole',
    operations: serviceOperations,
    particulars,
    operationOf: (request) => {
      const action = queryAction(request);
      return action !== undefined && operations.has(action) ? action : undefined;
    },
    refuse,
    handle: dispatcher(({ region, caller }) => ({ region: state.region(region), lifecycle, caller })),
    close: () => (closed ??= pause(lifecycle)),
  };
}
