import { randomBytes } from 'node:crypto';
import type { Clock } from '../../src/core/index.js';

const longestSeconds = 21_600;

/** The session tokens of IMDSv2. */
export interface Tokens {
  /** A new token, or undefined for a lifetime that is no whole number of seconds from 1 to 21,600. */
  issue(ttl: string | undefined): { readonly token: string; readonly ttlSeconds: number } | undefined;
  isValid(token: string | undefined): boolean;
}

/** Tokens live in memory: after a restart clients get 401 and ask anew, as SDKs do. */
export function newTokens({ clock }: { readonly clock: Clock }): Tokens {
  const expiries = new Map<string, number>();
  return {
    issue: (ttl) => {
      const ttlSeconds = /^\d{1,5}$/.test(ttl ?? '') ? Number(ttl) : 0;
      if (ttlSeconds < 1 || ttlSeconds > longestSeconds) return undefined;
      for (const [token, expiry] of expiries) if (expiry <= clock.now()) expiries.delete(token);
      const token = randomBytes(40).toString('base64url');
      expiries.set(token, clock.now() + ttlSeconds * 1000);
      return { token, ttlSeconds };
    },
    isValid: (token) => token !== undefined && (expiries.get(token) ?? 0) > clock.now(),
  };
}
