import type { Clock } from '../core/index.js';
import type { ClockOffset } from '../commands/index.js';

/** A client of the SDK, as far as its answers can be seen. */
interface Watchable {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<{ response: unknown }>,
      ) => (args: never) => Promise<{ response: unknown }>,
      options: { readonly step: 'deserialize'; readonly priority: 'low'; readonly name: string },
    ): void;
  };
}

/** Compares the dates of AWS's answers, refusals included, with a clock. */
export interface ServerDates {
  watch(service: string, client: Watchable): void;
  /** Of the last answer of each service that has answered. */
  offsets(): readonly ClockOffset[];
}

/** A date tells the second only: on average it is half a second ago. */
const halfSecondMs = 500;

/** Makes one. */
export function serverDates(clock: Clock): ServerDates {
  const offsets = new Map<string, number>();
  return {
    watch: (service, client) => {
      client.middlewareStack.add(
        (next) => async (args) => {
          const sentMs = clock.now();
          const result = await next(args);
          const { date } = (result.response as { headers?: Record<string, string> }).headers ?? {};
          const serverMs = Date.parse(date ?? '') + halfSecondMs;
          if (!Number.isNaN(serverMs)) offsets.set(service, (sentMs + clock.now()) / 2 - serverMs);
          return result;
        },
        // Next to the wire: further up a refusal is an error already.
        { step: 'deserialize', priority: 'low', name: 'server-dates' },
      );
    },
    offsets: () => Array.from(offsets, ([service, offsetMs]) => ({ service, offsetMs })),
  };
}
