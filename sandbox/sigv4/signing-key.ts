import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Claim } from './claim.js';

/** The scope and time that a signature is bound to. */
export type SigningScope = Pick<Claim, 'date' | 'region' | 'service' | 'scope' | 'timestamp'>;

/** Signs strings to sign under one key, for one scope and time. */
export interface Signer {
  /** The string to sign for an algorithm line and the lines that follow the scope, and its signature. */
  sign(algorithm: string, lines: readonly string[]): { readonly stringToSign: string; readonly signature: string };
}

/** Derives the signing key (IAM user guide, "Create a signed AWS API request", step 3). */
export function signerOf(secretAccessKey: string, scope: SigningScope): Signer {
  const words = [scope.date, scope.region, scope.service, 'aws4_request'];
  const key = words.reduce<string | Buffer>((secret, word) => hmac(secret, word), `AWS4${secretAccessKey}`);
  return {
    sign: (algorithm, lines) => {
      const stringToSign = [algorithm, scope.timestamp, scope.scope, ...lines].join('\n');
      return { stringToSign, signature: hmac(key, stringToSign).toString('hex') };
    },
  };
}

/** SHA-256, hexadecimal. */
export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Compares two signatures of 64 hexadecimal digits without telling where they differ. */
export function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
