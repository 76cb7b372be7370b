import type { Clock, EventSink } from '../core/index.js';

/** A call that takes longer than this is slow. */
const slowMs = 5_000;
/** The same action is called slow no more often than this: on a slow line every part of an upload is. */
const tellEveryMs = 60_000;

/** One of the stages that each call of an SDK client passes through. */
type Middleware = <Args, Result>(
  next: (args: Args) => Promise<Result>,
  context: { readonly commandName?: string },
) => (args: Args) => Promise<Result>;

/**
 * Tells of calls that take long, those that fail included; to be added to the middleware of an SDK client. `service` as
 * IAM names it: `s3`, `ec2`.
 */
export function slowCalls(
  service: string,
  { events, clock }: { readonly events: EventSink; readonly clock: Clock },
): Middleware {
  const toldAtMs = new Map<string, number>();
  return (next, { commandName = '' }) =>
    async (args) => {
      const startedMs = clock.now();
      try {
        return await next(args);
      } finally {
        const endedMs = clock.now();
        const action = `${service}:${commandName.replace(/Command$/, '')}`;
        const isNews = endedMs - (toldAtMs.get(action) ?? Number.NEGATIVE_INFINITY) >= tellEveryMs;
        if (endedMs - startedMs >= slowMs && isNews) {
          toldAtMs.set(action, endedMs);
          events({ kind: 'slow-call', action, elapsedMs: endedMs - startedMs });
        }
      }
    };
}
