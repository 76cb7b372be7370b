import { randomBytes, randomInt } from 'node:crypto';

/** An access key as a client holds it. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A key that ends, and that is nothing without its token. */
export interface TemporaryKey extends AccessKey {
  readonly sessionToken: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Makes a key that nobody has: AKIA for users, ASIA for temporary ones (IAM User Guide, "IAM identifiers"). */
export function newAccessKey(prefix: 'AKIA' | 'ASIA'): AccessKey {
  return { accessKeyId: prefix + upperCase(16), secretAccessKey: randomBytes(30).toString('base64') };
}

/** Makes the token that belongs to one temporary key. */
export function newSessionToken(): string {
  return randomBytes(96).toString('base64');
}

/** Makes the unique id of a user or a role: 21 characters (IAM User Guide, "IAM identifiers"). */
export function newUniqueId(prefix: 'AIDA' | 'AROA'): string {
  return prefix + upperCase(17);
}

function upperCase(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}
