import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../src/core/index.js';

/** Six hours. */
const longestSeconds = 21_600;

/** Tokens of EC2 begin with `AQAAA`. */
const version = Buffer.from([1, 0, 0, 0]);
const expiryBytes = 6;
const saltBytes = 6;
const sealBytes = 24;

/** The session tokens of IMDSv2. */
export interface Tokens {
  /** A new token, or undefined for a lifetime that is no whole number of seconds from 1 to 21,600. */
  issue(ttl: string | undefined): { readonly token: string; readonly ttlSeconds: number } | undefined;
  /** How many whole seconds a token still lives; undefined for one that is over, or not of this instance. */
  secondsLeft(token: string): number | undefined;
}

/**
 * Tokens say themselves when they end, sealed with a key of this service: there may be any number of them at once, and
 * nothing is kept. After a restart clients get 401 and ask anew, as SDKs do.
 */
export function newTokens({ clock }: { readonly clock: Clock }): Tokens {
  const key = randomBytes(32);
  const seal = (content: Buffer): Buffer => createHmac('sha256', key).update(content).digest().subarray(0, sealBytes);
  return {
    issue: (ttl) => {
      const ttlSeconds = /^\d{1,5}$/.test(ttl ?? '') ? Number(ttl) : 0;
      if (ttlSeconds < 1 || ttlSeconds > longestSeconds) return undefined;
      const expiry = Buffer.alloc(expiryBytes);
      expiry.writeUIntBE(clock.now() + ttlSeconds * 1000, 0, expiryBytes);
      const content = Buffer.concat([version, expiry, randomBytes(saltBytes)]);
      return { token: base64(Buffer.concat([content, seal(content)])), ttlSeconds };
    },
    secondsLeft: (token) => {
      const bytes = Buffer.from(token, 'base64url');
      if (base64(bytes) !== token || bytes.length !== version.length + expiryBytes + saltBytes + sealBytes) {
        return undefined;
      }
      const content = bytes.subarray(0, -sealBytes);
      if (!timingSafeEqual(seal(content), bytes.subarray(-sealBytes))) return undefined;
      const leftMs = content.readUIntBE(version.length, expiryBytes) - clock.now();
      return leftMs > 0 ? Math.floor(leftMs / 1000) : undefined;
    },
  };
}

/** URL-safe, with the padding that EC2 leaves on. */
function base64(bytes: Buffer): string {
  const text = bytes.toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
