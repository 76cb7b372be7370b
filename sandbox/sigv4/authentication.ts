import type { Clock } from '../../src/core/index.js';
import type { Caller } from '../server/caller.js';
import type { Stage } from '../server/pipeline.js';
import { Refusal } from '../server/refusal.js';
import type { ChunkSignatures, ServiceRequest } from '../server/service.js';
import { canonicalRequest } from './canonical-request.js';
import { chunkSignatures } from './chunk-signatures.js';
import { readClaim, type Claim } from './claim.js';
import { isSame, sha256, signerOf } from './signing-key.js';

/** An access key that exists. */
export interface KnownKey {
  readonly secretAccessKey: string;
  /** Temporary keys have one, and an end. */
  readonly sessionToken: string | undefined;
  readonly expiresAtMs: number | undefined;
  /** Whose it is. */
  readonly caller: Caller;
}

/** What the stage needs. */
export interface AuthenticationOptions {
  /** The key of this id; undefined where there is none. */
  readonly find: (accessKeyId: string) => KnownKey | undefined;
  readonly clock: Clock;
}

/** How far the clock of a client may be off: S3 says 15 minutes, the other services 5 (their error messages). */
const toleranceMs = { s3: 15 * 60_000, others: 5 * 60_000 };

/** Who has not signed: may do nothing here, for no bucket is public. */
const nobody: Caller = {
  accountId: 'anonymous',
  arn: 'anonymous',
  userId: 'anonymous',
  authorize: () => {
    throw new Refusal('unsigned', 'Access Denied');
  },
};

/**
 * The stage that lets only signed requests through (Signature Version 4, in the header or presigned) and tells the service
 * who signed. Refuses as AWS does: unknown keys, wrong signatures, clocks that are off, tokens that are over.
 */
export function authentication({ find, clock }: AuthenticationOptions): Stage {
  return async (exchange, next) => {
    const { request } = exchange;
    const isS3 = exchange.service.signingName === 's3';
    const claim = readClaim(request);
    if (claim === undefined) {
      const isOpen = exchange.service.unsignedOperations?.has(exchange.service.operationOf(request) ?? '') === true;
      if (!isS3 && !isOpen) throw new Refusal('unsigned', 'Request is missing Authentication Token');
      // S3 hears everybody; what it says to nobody's requests is its own affair.
      await next({ ...exchange, request: { ...request, caller: nobody } });
      return;
    }
    const key = keyOf(claim, { found: find(claim.accessKeyId), nowMs: clock.now() });
    checkTime(claim, { nowMs: clock.now(), isS3 });
    checkHeaders(request, claim);
    const signedChunks = checkSignature(request, { claim, key, isS3 });
    await next({ ...exchange, request: { ...request, caller: key.caller, signedChunks } });
  };
}

function keyOf(claim: Claim, { found, nowMs }: { found: KnownKey | undefined; nowMs: number }): KnownKey {
  // A temporary key without its token is as good as no key.
  if (found === undefined || (found.sessionToken !== undefined && claim.sessionToken === undefined)) {
    throw new Refusal('unknown-key', 'The AWS Access Key Id you provided does not exist in our records.', {
      AWSAccessKeyId: claim.accessKeyId,
    });
  }
  if (claim.sessionToken !== found.sessionToken) {
    throw new Refusal('invalid-token', 'The provided token is malformed or otherwise invalid.');
  }
  if (found.expiresAtMs !== undefined && found.expiresAtMs <= nowMs) {
    throw new Refusal('expired-token', 'The provided token has expired.');
  }
  return found;
}

function checkTime(claim: Claim, { nowMs, isS3 }: { nowMs: number; isS3: boolean }): void {
  const tolerance = isS3 ? toleranceMs.s3 : toleranceMs.others;
  const { signedAtMs, timestamp, date, expiresInSeconds } = claim;
  if (!timestamp.startsWith(date)) {
    throw new Refusal(
      'malformed-signature',
      `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${timestamp}".`,
    );
  }
  const times = { RequestTime: timestamp, ServerTime: new Date(nowMs).toISOString() };
  if (expiresInSeconds !== undefined) {
    if (signedAtMs - nowMs > tolerance) throw new Refusal('expired-request', 'Request is not yet valid', times);
    const endMs = signedAtMs + expiresInSeconds * 1000;
    if (endMs < nowMs) {
      const details = {
        'X-Amz-Expires': String(expiresInSeconds),
        Expires: new Date(endMs).toISOString(),
        ServerTime: times.ServerTime,
      };
      throw new Refusal('expired-request', 'Request has expired', details);
    }
    return;
  }
  if (Math.abs(signedAtMs - nowMs) <= tolerance) return;
  if (isS3) {
    throw new Refusal('skewed', 'The difference between the request time and the current time is too large.', {
      ...times,
      MaxAllowedSkewMilliseconds: String(tolerance),
    });
  }
  const now = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  throw new Refusal(
    'skewed',
    signedAtMs < nowMs
      ? `Signature expired: ${timestamp} is now earlier than ${now} - 5 min.`
      : `Signature not yet current: ${timestamp} is still later than ${now} + 5 min.`,
  );
}

/** Whatever a client says in x-amz headers must be signed; others on the way could change it otherwise. */
function checkHeaders({ headers }: ServiceRequest, { signedHeaders }: Claim): void {
  const unsigned = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name));
  // The hash is part of the signature in any case.
  const wrong = unsigned.filter((name) => name !== 'x-amz-content-sha256');
  if (wrong.length === 0) return;
  const details = { HeadersNotSigned: wrong.join(', ') };
  throw new Refusal('access-denied', 'There were headers present in the request which were not signed', details);
}

interface Check {
  readonly claim: Claim;
  readonly key: KnownKey;
  readonly isS3: boolean;
}

function checkSignature(request: ServiceRequest, { claim, key, isS3 }: Check): ChunkSignatures | undefined {
  const { method, target, headers } = request;
  const { signedHeaders, signature, accessKeyId } = claim;
  const payloadHash = payloadHashOf(request, { claim, isS3 });
  const canonical = canonicalRequest({ method, target, headers, signedHeaders, payloadHash, isS3 });
  const signer = signerOf(key.secretAccessKey, claim);
  const expected = signer.sign('AWS4-HMAC-SHA256', [sha256(canonical)]);
  if (!isSame(signature, expected.signature)) {
    throw new Refusal(
      'wrong-signature',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      {
        AWSAccessKeyId: accessKeyId,
        StringToSign: expected.stringToSign,
        SignatureProvided: signature,
        CanonicalRequest: canonical,
      },
    );
  }
  const areChunksSigned = payloadHash.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
  return areChunksSigned ? chunkSignatures(signer, signature) : undefined;
}

/** What stands for the hash of a body that is not signed: SDKs do not sign the blocks that they give EBS direct. */
const unsigned = 'UNSIGNED-PAYLOAD';

/** S3 goes by what the client says of the body, and verifies that when it has come; the others hash what has come. */
function payloadHashOf({ headers, url, content }: ServiceRequest, { claim, isS3 }: Omit<Check, 'key'>): string {
  const header = headers['x-amz-content-sha256'];
  if (!isS3) return header === unsigned && claim.service === 'ebs' ? unsigned : sha256(content);
  const said = header ?? url.searchParams.get('X-Amz-Content-Sha256') ?? undefined;
  if (typeof said === 'string') return said;
  if (claim.kind === 'presigned') return unsigned;
  throw new Refusal('malformed-signature', 'Missing required header for this request: x-amz-content-sha256');
}
