import type { AppEvent } from '../../core/index.js';
import type { Output, Renderer } from './renderer.js';

/** Events as NDJSON on standard output: one object a line, errors with code, message, hint and details. */
export function ndjsonRenderer({ stdout, stderr }: Output): Renderer {
  return {
    event: (event) => void stdout.write(`${JSON.stringify(plainEvent(event))}\n`),
    say: (sentence) => void stderr.write(`${sentence}\n`),
    [Symbol.dispose]: () => undefined,
  };
}

function plainEvent(event: AppEvent): unknown {
  if (event.kind !== 'snapshot-failed') return event;
  const { code, message, hint, details } = event.error;
  return { ...event, error: { code, message, hint, details } };
}
