import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventSink } from '../core/index.js';

/** Where Node tells of every child process (https://nodejs.org/api/diagnostics_channel.html). */
const channel = 'child_process';

/** Different command lines that are remembered; a run has a few dozen for each snapshot. */
const mostRemembered = 10_000;

/**
 * Tells of every program that is started, once for the same command line: some (lz4, for each frame of its higher levels)
 * are run thousands of times. Dispose to stop.
 */
export function tellPrograms(events: EventSink): Disposable {
  const told = new Set<string>();
  const onProcess = (message: unknown): void => {
    const child = childOf(message);
    // The command line is known only when it has been started.
    child?.once('spawn', () => {
      const argv = child.spawnargs;
      const line = argv.join('\0');
      if (told.has(line) || told.size >= mostRemembered) return;
      told.add(line);
      events({ kind: 'program-started', argv });
    });
  };
  subscribe(channel, onProcess);
  return { [Symbol.dispose]: () => void unsubscribe(channel, onProcess) };
}

/** What is read of a child process. */
interface Child {
  readonly spawnargs: readonly string[];
  once(event: 'spawn', listener: () => void): unknown;
}

function childOf(message: unknown): Child | undefined {
  const child = typeof message === 'object' && message !== null && 'process' in message ? message.process : undefined;
  return typeof child === 'object' && child !== null && 'once' in child ? (child as Child) : undefined;
}
