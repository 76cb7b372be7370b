import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a token is for; one that was made for something else is as good as none. */
export interface TokenPurpose {
  readonly kind: 'block' | 'page';
  /** Region, operation and snapshots. */
  readonly scope: readonly string[];
}

/** What a token says. */
export interface TokenContent {
  /** The block, or the first block of the page. */
  readonly index: number;
  readonly expiresAtMs: number;
  /** Empty pages that were given at this place already. */
  readonly emptyPages: number;
}

const version = 2;
const contentBytes = 1 + 4 + 8 + 1;
const nonceBytes = 12;
const signatureBytes = 32;

/** The part of tokens that is new with each listing. */
export function newNonce(): Buffer {
  return randomBytes(nonceBytes);
}

/** Makes a token: signed, so that nothing needs to be remembered, and opaque (`^[A-Za-z0-9+/=_-]+$`, at most 256). */
export function makeToken(
  purpose: TokenPurpose,
  { index, expiresAtMs, emptyPages }: TokenContent,
  { secret, nonce }: { readonly secret: Buffer; readonly nonce: Buffer },
): string {
  const content = Buffer.alloc(contentBytes);
  content.writeUInt8(version, 0);
  content.writeUInt32BE(index, 1);
  content.writeDoubleBE(expiresAtMs, 5);
  content.writeUInt8(emptyPages, 13);
  const body = Buffer.concat([content, nonce]);
  return Buffer.concat([body, sign(body, purpose, secret)]).toString('base64url');
}

/** Reads a token; undefined for one that is made up, made for another purpose, or over. */
export function readToken(
  token: string,
  purpose: TokenPurpose,
  { secret, nowMs }: { readonly secret: Buffer; readonly nowMs: number },
): TokenContent | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== contentBytes + nonceBytes + signatureBytes || bytes[0] !== version) return undefined;
  const body = bytes.subarray(0, contentBytes + nonceBytes);
  if (!timingSafeEqual(sign(body, purpose, secret), bytes.subarray(body.length))) return undefined;
  const expiresAtMs = body.readDoubleBE(5);
  if (nowMs >= expiresAtMs) return undefined;
  return { index: body.readUInt32BE(1), expiresAtMs, emptyPages: body.readUInt8(13) };
}

function sign(body: Buffer, { kind, scope }: TokenPurpose, secret: Buffer): Buffer {
  return createHmac('sha256', secret)
    .update(body)
    .update(JSON.stringify([kind, ...scope]))
    .digest();
}
