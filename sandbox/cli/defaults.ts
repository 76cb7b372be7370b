import { homedir } from 'node:os';
import { join } from 'node:path';

/** Port of all services; 4600 is the metadata service's then. */
export const defaultPort = 4599;

/**
 * `$XDG_STATE_HOME/snap-to-s3/sandbox`, or the same below `~/.local/state`: wherever one stands, `seed` finds what
 * `start` has started.
 */
export function defaultStateDirectory(): string {
  const stateHome = process.env.XDG_STATE_HOME;
  const base = stateHome === undefined || stateHome === '' ? join(homedir(), '.local', 'state') : stateHome;
  return join(base, 'snap-to-s3', 'sandbox');
}
