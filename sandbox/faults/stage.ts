import type { Exchange, Stage } from '../server/pipeline.js';
import { commit } from './commit.js';
import type { ActiveFault } from './injected-fault.js';

/**
 * The stage that commits faults. Each is a stage of its own: a request that an earlier one has answered never meets the
 * later ones. `ending` aborts when the sandbox ends.
 */
export function faultStage(active: () => readonly ActiveFault[], { ending }: { readonly ending: AbortSignal }): Stage {
  return async (exchange, next) => {
    const faults = active();
    const operation = faults.length === 0 ? undefined : exchange.service.operationOf(exchange.request);
    if (operation === undefined) await next(exchange);
    else await through(faults, exchange, { operation, ending, next });
  };
}

interface Way {
  readonly operation: string;
  readonly ending: AbortSignal;
  readonly next: (exchange: Exchange) => Promise<void>;
}

async function through(faults: readonly ActiveFault[], exchange: Exchange, way: Way): Promise<void> {
  const [fault, ...others] = faults;
  if (fault === undefined) {
    await way.next(exchange);
    return;
  }
  const goOn = (handedOn: Exchange): Promise<void> => through(others, handedOn, way);
  const strike = fault.meet(exchange, way.operation);
  if (strike === undefined) await goOn(exchange);
  else await commit(strike, exchange, { next: goOn, ending: way.ending });
}
