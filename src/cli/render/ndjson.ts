import type { AppEvent, Clock } from '../../core/index.js';
import { endedObject } from './ended-object.js';
import type { Output, Renderer } from './renderer.js';

/** Progress of one object is told this often. */
const progressIntervalMs = 1_000;

/** Events as NDJSON on standard output: one object a line, errors with code, message, hint and details. */
export function ndjsonRenderer({ stdout, stderr }: Output, clock: Clock): Renderer {
  const isTooSoon = progressLimit(clock);
  return {
    event: (event) => {
      if (!isTooSoon(event)) stdout.write(ndjsonLine(plainEvent(event)));
    },
    say: (sentence) => void stderr.write(`${sentence}\n`),
    [Symbol.dispose]: () => undefined,
  };
}

/** Says of which progress enough was told just now. */
export function progressLimit(clock: Clock): (event: AppEvent) => boolean {
  const toldAtMs = new Map<string, number>();
  return (event) => {
    const ended = endedObject(event);
    if (ended !== undefined) toldAtMs.delete(ended);
    if (event.kind !== 'progress') return false;
    const now = clock.now();
    if (now - (toldAtMs.get(event.key) ?? Number.NEGATIVE_INFINITY) < progressIntervalMs) return true;
    toldAtMs.set(event.key, now);
    return false;
  };
}

/**
 * A record as a line of NDJSON. What JSON leaves as it is and steers a terminal, C1 controls and direction overrides, is
 * escaped as well.
 */
export function ndjsonLine(record: object): string {
  const json = JSON.stringify(record).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${json}\n`;
}

/** An event as JSON can hold it. */
export function plainEvent(event: AppEvent): object {
  if (event.kind !== 'snapshot-failed' && event.kind !== 'run-failed') return event;
  const { code, message, hint, details } = event.error;
  return { ...event, error: { code, message, hint, details } };
}
