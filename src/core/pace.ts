import type { Clock } from './clock.js';

/** How fast AWS may be asked, found out by being told to slow down. One for all calls of a process. */
export interface Pace {
  /** Resolves when a call of this kind may begin; at once, but after throttling. Rejects when the signal aborts. */
  turn(kind: string, signal?: AbortSignal): Promise<void>;
  /** A call of this kind was told to slow down. */
  throttled(kind: string): void;
  /** A call of this kind was answered. */
  answered(kind: string): void;
}

/** The slowest pace, as in the SDKs' adaptive mode. */
const slowestPerSecond = 0.5;
/** One refusal is no storm: the first one does not slow down further than that. */
const firstPerSecond = 4;
/** What every second without throttling adds. */
const recoveryPerSecond = 1;
/** Faster than this program ever asks: no pace at all. */
const unlimitedPerSecond = 100;
/** Calls that were under way together are told to slow down together; that counts once. */
const onceWithinMs = 1_000;

interface Lane {
  perSecond: number;
  nextMs: number;
  changedMs: number;
  slowedMs: number;
  /** When calls began, within the last second. */
  begun: number[];
}

/**
 * Makes a pace: half as fast each time that AWS says to slow down, faster by one call a second for each second
 * that it does not. What counts as one kind is the caller's choice; AWS limits by action.
 */
export function createPace(clock: Clock): Pace {
  const lanes = new Map<string, Lane>();
  const laneOf = (kind: string): Lane => {
    const known = lanes.get(kind);
    if (known !== undefined) return known;
    const lane: Lane = {
      perSecond: Number.POSITIVE_INFINITY,
      nextMs: 0,
      changedMs: 0,
      slowedMs: Number.NEGATIVE_INFINITY,
      begun: [],
    };
    lanes.set(kind, lane);
    return lane;
  };
  return {
    turn: async (kind, signal) => {
      const lane = laneOf(kind);
      const nowMs = clock.now();
      const atMs = Math.max(nowMs, lane.nextMs);
      lane.nextMs = atMs + 1_000 / lane.perSecond;
      if (atMs > nowMs) await clock.sleep(atMs - nowMs, signal);
      lane.begun = [...lane.begun.filter((ms) => ms > clock.now() - 1_000), clock.now()];
    },
    throttled: (kind) => {
      const lane = laneOf(kind);
      const nowMs = clock.now();
      if (nowMs - lane.slowedMs < onceWithinMs) return;
      const lately = Math.max(1, lane.begun.filter((ms) => ms > nowMs - 1_000).length);
      lane.perSecond =
        lane.perSecond === Number.POSITIVE_INFINITY
          ? Math.max(firstPerSecond, lately / 2)
          : Math.max(slowestPerSecond, Math.min(lane.perSecond, lately) / 2);
      lane.slowedMs = lane.changedMs = nowMs;
      lane.nextMs = Math.max(lane.nextMs, nowMs + 1_000 / lane.perSecond);
    },
    answered: (kind) => {
      const lane = laneOf(kind);
      if (lane.perSecond === Number.POSITIVE_INFINITY) return;
      const nowMs = clock.now();
      lane.perSecond += ((nowMs - lane.changedMs) / 1_000) * recoveryPerSecond;
      lane.changedMs = nowMs;
      if (lane.perSecond >= unlimitedPerSecond) lane.perSecond = Number.POSITIVE_INFINITY;
    },
  };
}
