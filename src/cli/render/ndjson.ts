import type { AppEvent, Clock } from '../../core/index.js';
import type { Output, Renderer } from './renderer.js';

/** Progress of one object is told this often. */
const progressIntervalMs = 1_000;

/** Events as NDJSON on standard output: one object a line, errors with code, message, hint and details. */
export function ndjsonRenderer({ stdout, stderr }: Output, clock: Clock): Renderer {
  const toldAtMs = new Map<string, number>();
  const isTooSoon = (event: AppEvent): boolean => {
    if (event.kind !== 'progress') return false;
    const now = clock.now();
    if (now - (toldAtMs.get(event.key) ?? Number.NEGATIVE_INFINITY) < progressIntervalMs) return true;
    toldAtMs.set(event.key, now);
    return false;
  };
  return {
    event: (event) => {
      if (!isTooSoon(event)) stdout.write(`${asciiControls(JSON.stringify(plainEvent(event)))}\n`);
    },
    say: (sentence) => void stderr.write(`${sentence}\n`),
    [Symbol.dispose]: () => undefined,
  };
}

/** JSON leaves some characters as they are that steer a terminal: C1 controls and direction overrides. */
function asciiControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function plainEvent(event: AppEvent): unknown {
  if (event.kind !== 'snapshot-failed') return event;
  const { code, message, hint, details } = event.error;
  return { ...event, error: { code, message, hint, details } };
}
