import type { Clock } from '../../../src/core/index.js';
import type { ServiceFault } from '../../server/service-fault.js';
import type { Lifecycle } from './lifecycle.js';

/** A lifecycle in which whatever is begun comes to its next state only after the hold of the fault. */
export function stuckLifecycle(
  lifecycle: Lifecycle,
  fault: Extract<ServiceFault, { readonly kind: 'stuck' }>,
): Lifecycle {
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

/** A lifecycle in which the bytes of what is begun cannot be made, so that it ends in `error`. */
export function failingLifecycle(
  lifecycle: Lifecycle,
  fault: Extract<ServiceFault, { readonly kind: 'ends-in-error' }>,
): Lifecycle {
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
