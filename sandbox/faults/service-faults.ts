import type { Period, ServiceFault, ServiceFaultKind } from '../server/service-fault.js';
import { hold } from './hold.js';
import type { Strike, StrikeOf } from './injected-fault.js';

/** What the service is told to do wrong. */
export function serviceFault(strike: StrikeOf<ServiceFaultKind>): ServiceFault {
  const { fault, clock, removed, applied } = strike;
  switch (fault.kind) {
    case 'error-in-200':
      return { kind: 'error-in-200', work: fault.work ?? 'undone', code: fault.code ?? 'InternalError', applied };
    case 'stuck':
    case 'ends-in-error': {
      const ms = fault.kind === 'stuck' ? fault.ms : (fault.ms ?? 0);
      const wait = async (signal: AbortSignal): Promise<void> => {
        await hold(ms, { clock, signal: AbortSignal.any([signal, removed]) });
        signal.throwIfAborted();
      };
      return { kind: fault.kind, hold: wait, applied };
    }
    case 'busy':
    case 'late':
      return { kind: fault.kind, begin: () => beginPeriod(strike, fault.ms ?? Infinity), applied };
  }
}

/** Its effect may come when the request is long over. */
function beginPeriod({ clock, removed, keep }: Strike, ms: number): Period {
  keep();
  const endsMs = clock.now() + ms;
  return {
    get isOver() {
      return removed.aborted || clock.now() >= endsMs;
    },
  };
}
