import { formatBytes, formatRate, type AppEvent, type Clock } from '../../core/index.js';
import { endedObject } from './ended-object.js';
import type { Output, Renderer } from './renderer.js';
import { sentenceOf } from './sentences.js';

/** Progress of a long archive is said this often where nothing can be drawn. */
const progressIntervalMs = 30_000;

/** Plain lines, for logs and pipes: what goes well to standard output, warnings and errors to standard error. */
export function plainRenderer({ stdout, stderr }: Output, clock: Clock): Renderer {
  const running = new Map<string, { readonly startedMs: number; saidAtMs: number }>();
  const progress = (event: AppEvent & { kind: 'progress' }): void => {
    const now = clock.now();
    const one = running.get(event.key) ?? { startedMs: now, saidAtMs: now };
    running.set(event.key, one);
    if (now - one.saidAtMs < progressIntervalMs) return;
    one.saidAtMs = now;
    const done = `${formatBytes(event.rawBytes)} of about ${formatBytes(event.expectedRawBytes)}`;
    stdout.write(`${event.snapshotId}: ${done} read, ${formatRate(event.rawBytes, now - one.startedMs)}\n`);
  };
  return {
    event: (event) => {
      if (event.kind === 'progress') {
        progress(event);
        return;
      }
      const ended = endedObject(event);
      if (ended !== undefined) running.delete(ended);
      const sentence = sentenceOf(event);
      if (sentence === undefined) return;
      const prefix = sentence.kind === 'warning' ? 'Warning: ' : sentence.kind === 'notice' ? 'Note: ' : '';
      const stream = sentence.kind === 'warning' || sentence.kind === 'error' ? stderr : stdout;
      stream.write(`${prefix}${sentence.text}\n`);
    },
    say: (text) => void stderr.write(`${text}\n`),
    [Symbol.dispose]: () => undefined,
  };
}
