import { exitStatus } from './exit-status.js';

/** Signals on which the work ends in good order. */
const polite = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * An abort signal for the process signals. The first one aborts, so that everything temporary is removed; a second one
 * leaves at once. Dispose to give the signals back.
 */
export function processSignals(say: (sentence: string) => void): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      say('Leaving at once; temporary volumes and uploads may be left behind.');
      process.exit(exitStatus.interrupted);
    }
    say(`${name}: cleaning up. Press Ctrl+C again to leave at once.`);
    controller.abort();
  };
  for (const name of polite) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of polite) process.off(name, onSignal);
    },
  };
}
