import type { Clock } from '../../../src/core/index.js';
import type { ServiceFault, ServiceFaultKind } from '../../server/service-fault.js';
import type { Lifecycle } from './lifecycle.js';

type FaultOf<Kind extends ServiceFaultKind> = Extract<ServiceFault, { readonly kind: Kind }>;

/** A lifecycle in which whatever is begun comes to its next state only after the hold of the fault. */
export function stuckLifecycle(lifecycle: Lifecycle, fault: FaultOf<'stuck'>): Lifecycle {
  let isHeld = false;
  // Time is what does not pass: copies are made before it, states change after it.
  const clock: Clock = {
    now: () => lifecycle.clock.now(),
    sleep: async (ms, signal) => {
      if (!isHeld && signal !== undefined) {
        isHeld = true;
        await fault.hold(signal);
      }
      await lifecycle.clock.sleep(ms, signal);
    },
  };
  const start: Lifecycle['tasks']['start'] = (what, work) => {
    fault.applied();
    lifecycle.tasks.start(what, work);
  };
  return { ...lifecycle, clock, tasks: { ...lifecycle.tasks, start } };
}

/** A lifecycle in which a device that is to be taken away seems to be in use. */
export function busyLifecycle(lifecycle: Lifecycle, fault: FaultOf<'busy'>): Lifecycle {
  const { devices } = lifecycle;
  const period = fault.begin();
  return {
    ...lifecycle,
    devices: {
      ...devices,
      release: async (volume) => {
        if (period.isOver) return devices.release(volume);
        fault.applied();
        return 'busy';
      },
    },
  };
}

/** A lifecycle in which the bytes of what is begun cannot be made, so that it ends in `error`. */
export function failingLifecycle(lifecycle: Lifecycle, fault: FaultOf<'ends-in-error'>): Lifecycle {
  const wanted = new WantedFailure('This was to end in an error.');
  const fail = (): Promise<never> => Promise.reject(wanted);
  const start: Lifecycle['tasks']['start'] = (what, work) => {
    fault.applied();
    lifecycle.tasks.start(what, async (signal) => {
      await fault.hold(signal);
      await work(signal).catch((error: unknown) => {
        if (error !== wanted) throw error;
      });
    });
  };
  return {
    ...lifecycle,
    files: { ...lifecycle.files, createEmpty: fail, createFromSnapshot: fail, takeSnapshot: fail },
    tasks: { ...lifecycle.tasks, start },
  };
}

/** A failure that is no defect, and that no operator must know of. */
class WantedFailure extends Error {
  override readonly name = 'WantedFailure';
}
