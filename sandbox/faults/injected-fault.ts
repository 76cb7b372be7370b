import { setMaxListeners } from 'node:events';
import { AppError, type Clock } from '../../src/core/index.js';
import type { ServiceOperation } from '../server/service-operation.js';
import type { Exchange } from '../server/pipeline.js';
import { chance } from './chance.js';
import { isOfService, type Fault, type FaultKind, type FaultRequest } from './fault.js';
import { matches } from './pattern.js';

/** A fault that is in the sandbox. */
export interface InjectedFault {
  readonly id: number;
  readonly request: FaultRequest;
  /** Matching requests so far, those that were spared counted in. */
  readonly met: number;
  /** How often it had its effect. A truncation of a body that is shorter than the cut, for one, has none. */
  readonly fired: number;
  /** Resolves when it has fired so often; rejects when it is removed before that. */
  hasFired(times?: number): Promise<void>;
  /** Ends it: what hangs or is stuck goes on. What it counted stays readable. May be repeated. */
  remove(): void;
}

/** A fault that has chosen a request. Without an effect it is free for another one. */
export interface Strike {
  readonly fault: Fault;
  readonly operation: ServiceOperation;
  readonly clock: Clock;
  /** Aborts when the fault is removed or the sandbox ends. */
  readonly removed: AbortSignal;
  /** Aborts then, and when the answer has left or the client has gone away. */
  readonly over: AbortSignal;
  /** A number from 0 to 1 of this request's own, the same whenever the seed is. */
  readonly chance: (subject: string) => number;
  /** It had its effect. Counted once. */
  readonly applied: () => void;
  /** It had none, and will have none. Does nothing after `applied`. */
  readonly missed: () => void;
  /** Its effect may come after the request. */
  readonly keep: () => void;
}

/** A strike of one kind. */
export type StrikeOf<Kind extends FaultKind> = Strike & { readonly fault: Extract<Fault, { readonly kind: Kind }> };

/** An {@link InjectedFault} as the stage sees it. */
export interface ActiveFault extends InjectedFault {
  /** To be called for each request, in the order in which they come. Undefined for a request that it spares. */
  meet(exchange: Exchange, operationName: string): Strike | undefined;
}

/** What a fault is made of. */
export interface ActiveFaultOptions {
  readonly id: number;
  readonly clock: Clock;
  /** The operations that it is for, by full name. */
  readonly targets: ReadonlyMap<string, ServiceOperation>;
  readonly onRemoved: () => void;
}

/** Makes a fault. */
export function newActiveFault(request: FaultRequest, options: ActiveFaultOptions): ActiveFault {
  const { id, clock, targets, onRemoved } = options;
  const { times = Infinity, skip = 0, probability = 1, seed = 0, where = {} } = request;
  const removal = new AbortController();
  // Each request that hangs listens; a thousand at once are no leak.
  setMaxListeners(0, removal.signal);
  const waiters = new Set<() => void>();
  let met = 0;
  let fired = 0;
  /** Requests that were chosen and whose effect is still to come. */
  let chosen = 0;

  const meets = ({ service, request: received }: Exchange, operationName: string): ServiceOperation | undefined => {
    const operation = targets.get(`${service.signingName}:${operationName}`);
    // A service can do only one thing wrong at a time.
    if (received.fault !== undefined && isOfService(request.fault)) return undefined;
    const wanted = Object.entries(where);
    if (operation === undefined || wanted.length === 0) return operation;
    const has = service.particulars?.read(received) ?? {};
    const fits = wanted.every(([name, pattern]) => has[name]?.some((value) => matches(value, pattern)) === true);
    return fits ? operation : undefined;
  };

  return {
    id,
    request,
    get met() {
      return met;
    },
    get fired() {
      return fired;
    },
    hasFired: (wanted = 1) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (fired >= wanted) resolve();
          else if (removal.signal.aborted) reject(removedBefore(request, { wanted, fired }));
          else return;
          waiters.delete(look);
        };
        waiters.add(look);
        look();
      }),
    remove: () => {
      if (removal.signal.aborted) return;
      removal.abort();
      onRemoved();
      for (const look of [...waiters]) look();
    },
    meet: (exchange, operationName) => {
      const operation = meets(exchange, operationName);
      // A client that has gone away meanwhile would notice nothing.
      if (operation === undefined || removal.signal.aborted || exchange.response.destroyed) return undefined;
      const nth = met;
      met += 1;
      const isChosen = nth >= skip && fired + chosen < times && chance(seed, nth) < probability;
      if (!isChosen) return undefined;
      chosen += 1;
      let state: 'open' | 'kept' | 'settled' = 'open';
      const settle = (): boolean => {
        if (state === 'settled') return false;
        state = 'settled';
        chosen -= 1;
        return true;
      };
      const over = new AbortController();
      const end = (): void => over.abort();
      removal.signal.addEventListener('abort', end, { once: true });
      exchange.response.once('close', () => {
        removal.signal.removeEventListener('abort', end);
        end();
        if (state === 'open') settle();
      });
      return {
        fault: request.fault,
        operation,
        clock,
        removed: removal.signal,
        over: over.signal,
        chance: (subject) => chance(seed, nth, subject),
        applied: () => {
          if (!settle()) return;
          fired += 1;
          for (const look of [...waiters]) look();
        },
        missed: () => void settle(),
        keep: () => {
          if (state === 'open') state = 'kept';
        },
      };
    },
  };
}

function removedBefore(
  { operation, fault }: FaultRequest,
  { wanted, fired }: { readonly wanted: number; readonly fired: number },
): AppError {
  return new AppError(
    'internal',
    `The fault ${fault.kind} of ${operation} was removed after it had fired ${fired} of ${wanted} times.`,
  );
}
