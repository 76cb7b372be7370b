import { AppError, type Clock } from '../../src/core/index.js';
import type { TemporaryKey } from './keys.js';
import type { Role } from './role.js';

/** How the keys of an instance are renewed. */
export interface RotationOptions {
  readonly role: Role;
  /** The id of the instance. */
  readonly sessionName: string;
  readonly clock: Clock;
  /** How long each key is good for; EC2's are for about six hours. */
  readonly lifetimeMs: number;
  /** How long before the end of one key the next one is handed out; less than the lifetime. */
  readonly renewBeforeMs: number;
}

/** The key that an instance has at the moment. */
export interface RotatingKeys {
  /** The same until it is time for the next; those before stay good until their own end. */
  current(): TemporaryKey;
}

/** Keys that are renewed before they end, when somebody asks. Throws `usage` when they would end before. */
export function rotatingKeys(options: RotationOptions): RotatingKeys {
  const { role, sessionName, clock, lifetimeMs, renewBeforeMs } = options;
  if (renewBeforeMs >= lifetimeMs) {
    throw new AppError('usage', `Keys for ${lifetimeMs} ms cannot be renewed ${renewBeforeMs} ms before their end.`);
  }
  let key: TemporaryKey | undefined;
  return {
    current: () => {
      if (key === undefined || clock.now() >= key.expiresAtMs - renewBeforeMs)
        key = role.issue({ sessionName, lifetimeMs });
      return key;
    },
  };
}
