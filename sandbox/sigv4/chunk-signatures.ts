import type { ChunkSignatures } from '../server/service.js';
import { isSame, sha256, type Signer } from './signing-key.js';

/**
 * The chain of signatures in an aws-chunked body: each chunk is signed together with the signature before it, the first
 * with that of the request (S3 API reference, "Signature calculations for the Authorization header: transferring payload
 * in multiple chunks", and "… with trailing headers").
 */
export function chunkSignatures(signer: Signer, seed: string): ChunkSignatures {
  let previous = seed;
  const next = (signature: string, expected: string): boolean => {
    previous = expected;
    return isSame(signature, expected);
  };
  return {
    verifyChunk: ({ signature, sha256: content }) =>
      next(signature, signer.sign('AWS4-HMAC-SHA256-PAYLOAD', [previous, sha256(''), content]).signature),
    verifyTrailer: ({ signature, text }) =>
      next(signature, signer.sign('AWS4-HMAC-SHA256-TRAILER', [previous, sha256(text)]).signature),
  };
}
