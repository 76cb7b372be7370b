import type { Exchange } from '../server/pipeline.js';
import type { Course } from './course.js';
import { hold } from './hold.js';
import type { Strike, StrikeOf } from './injected-fault.js';

/** Resets the connection; the request never comes to its service. */
export function resetBefore(strike: Strike, { response }: Exchange): void {
  strike.applied();
  response.reset();
}

/** Lets the service do its work and resets the connection in place of the answer. */
export async function resetAfter(strike: Strike, exchange: Exchange, { next }: Course): Promise<void> {
  const { response } = exchange;
  response.addFilter({
    pass: () => Promise.resolve(),
    end: () => {
      strike.applied();
      response.reset();
      return Promise.resolve();
    },
  });
  await next(exchange);
}

/** Holds the request back from its service. */
export async function hangBefore(
  strike: StrikeOf<'hang'>,
  exchange: Exchange,
  { next, ending }: Course,
): Promise<void> {
  const { response } = exchange;
  strike.applied();
  await hold(strike.fault.ms, { clock: strike.clock, signal: strike.over });
  if (ending.aborted) response.reset();
  // A client that has given up has no effect any more.
  else if (!response.destroyed) await next(exchange);
}

/** Lets the service do its work and holds the answer back. */
export async function hangAfter(strike: StrikeOf<'hang'>, exchange: Exchange, { next, ending }: Course): Promise<void> {
  const { response } = exchange;
  let held: Promise<void> | undefined;
  const wait = (): Promise<void> => {
    strike.applied();
    held ??= hold(strike.fault.ms, { clock: strike.clock, signal: strike.over }).then(() => {
      if (ending.aborted) response.reset();
    });
    return held;
  };
  response.addFilter({
    pass: async (piece, send) => {
      await wait();
      await send(piece);
    },
    end: wait,
  });
  await next(exchange);
}
