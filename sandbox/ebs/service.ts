import type { Clock } from '../../src/core/index.js';
import { newTasks } from '../ec2/lifecycle/tasks.js';
import type { ServiceOperation } from '../server/service-operation.js';
import type { Service } from '../server/service.js';
import { dispatcher, refuse, routeOf } from './dispatch.js';
import { newActivity, resume, type Lifecycle } from './lifecycle/index.js';
import { routes } from './operations/index.js';
import { openRates } from './quotas.js';
import {
  defaultEbsDelays,
  defaultPaging,
  defaultQuotas,
  type EbsDelays,
  type EbsPaging,
  type EbsQuotas,
} from './settings.js';
import type { SnapshotPort } from './snapshot-port.js';
import { openBlockFiles, openEbsState } from './state/index.js';

/** What EBS direct needs. */
export interface EbsOptions {
  /** The snapshots that it reads and makes. */
  readonly snapshots: SnapshotPort;
  readonly clock: Clock;
  /** Where its state is, on the filesystem of the snapshots. One service at a time may have it. */
  readonly directory: string;
  readonly quotas?: Partial<EbsQuotas>;
  readonly delays?: Partial<EbsDelays>;
  readonly paging?: Partial<EbsPaging>;
  /** Told what an operator should know and no request can answer. */
  readonly onNotice?: (text: string) => void;
}

/** A block that was damaged on the way is noticed by its checksum; the other requests are verified with the signature. */
const serviceOperations: readonly ServiceOperation[] = routes.map(({ name }) => ({
  name,
  takesBody: name === 'PutSnapshotBlock',
  givesBody: true,
  faults: [],
}));

/**
 * Opens EBS direct on its directory and takes up what the last run left: snapshots that are pending go on, and those that
 * were being completed are. Throws `usage` for a directory that is not its own.
 */
export async function createEbsService(options: EbsOptions): Promise<Service> {
  const { clock, directory, onNotice = () => undefined, snapshots } = options;
  const state = await openEbsState(directory);
  const quotas = { ...defaultQuotas, ...options.quotas };
  const lifecycle: Lifecycle = {
    snapshots,
    state,
    files: await openBlockFiles(directory),
    clock,
    delays: { ...defaultEbsDelays, ...options.delays },
    paging: { ...defaultPaging, ...options.paging },
    quotas,
    rates: openRates(quotas, { clock }),
    activity: newActivity(state, { clock }),
    starting: new Map(),
    tasks: newTasks({ onNotice }),
  };
  await resume(lifecycle);
  const close = async (): Promise<void> => {
    await lifecycle.tasks.stop();
    await lifecycle.activity.flush();
  };
  let closed: Promise<void> | undefined;
  return {
    signingName: 'ebs',
    bodies: 'whole',
    operations: serviceOperations,
    particulars: { names: ['resource'], read: ({ url }) => ({ resource: /snap-[0-9a-f]+/.exec(url.pathname) ?? [] }) },
    operationOf: (request) => routeOf(request)?.name,
    handle: dispatcher(lifecycle),
    refuse,
    close: () => (closed ??= close()),
  };
}
