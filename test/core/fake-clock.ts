import type { Clock } from '../../src/core/index.js';

/** A clock that only moves when somebody sleeps. */
export function fakeClock(): Clock & { readonly slept: number[] } {
  let nowMs = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    sleep: (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
      slept.push(ms);
      return Promise.resolve();
    },
  };
}
