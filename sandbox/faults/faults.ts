import type { Clock } from '../../src/core/index.js';
import type { Stage } from '../server/pipeline.js';
import type { FaultyService } from './applicable.js';
import type { FaultRequest } from './fault.js';
import { newActiveFault, type ActiveFault, type InjectedFault } from './injected-fault.js';
import { readFaultRequest, type Spelling } from './read-request.js';
import { faultStage } from './stage.js';
import { targetsOf } from './targets.js';

/** The faults of a sandbox. They strike in the order in which they were added. */
export interface Faults {
  /**
   * Adds a fault. Throws `usage` for an operation that the sandbox does not have, and for a fault that the operation cannot
   * have. `spelled` says how parameters are called in messages.
   */
  add(request: FaultRequest, spelled?: Spelling): InjectedFault;
  /** Those that have not been removed, in their order. */
  list(): readonly InjectedFault[];
  /** Removes all of them. */
  clear(): void;
}

/** Faults, and the stage that commits them. */
export interface FaultInjection {
  readonly faults: Faults;
  readonly stage: Stage;
  /** Removes all faults; requests that hang lose their connection. For the end of the sandbox. May be repeated. */
  close(): void;
}

/** Starts without any fault. */
export function newFaultInjection(
  services: readonly FaultyService[],
  { clock }: { readonly clock: Clock },
): FaultInjection {
  const active = new Map<number, ActiveFault>();
  const ending = new AbortController();
  let lastId = 0;
  const faults: Faults = {
    add: (given, spelled) => {
      const request = readFaultRequest(given, spelled);
      const targets = targetsOf(request, services);
      lastId += 1;
      const id = lastId;
      const fault = newActiveFault(request, { id, clock, targets, onRemoved: () => void active.delete(id) });
      active.set(id, fault);
      return fault;
    },
    list: () => [...active.values()],
    clear: () => {
      for (const fault of [...active.values()]) fault.remove();
    },
  };
  return {
    faults,
    stage: faultStage(() => [...active.values()], { ending: ending.signal }),
    close: () => {
      ending.abort();
      faults.clear();
    },
  };
}
