import { generateKeyPairSync, sign } from 'node:crypto';
import type { IdentityProvider } from '../../sandbox/sts/index.js';

/** An OpenID Connect provider with its private key. */
export interface TokenMaker {
  readonly provider: IdentityProvider;
  /** A token that is good for an hour and for `sts.amazonaws.com`, but for what is said otherwise. */
  token(claims?: Readonly<Record<string, unknown>>): string;
}

/** Makes one, as a cluster of EKS has it. */
export function tokenMaker({
  issuer = 'https://oidc.example.com/id/1',
  nowMs = Date.now(),
  sessionMs,
}: {
  readonly issuer?: string;
  readonly nowMs?: number;
  readonly sessionMs?: number;
} = {}): TokenMaker {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const iat = Math.floor(nowMs / 1_000);
  return {
    provider: {
      issuer,
      audiences: ['sts.amazonaws.com'],
      publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      ...(sessionMs === undefined ? {} : { sessionMs }),
    },
    token: (claims = {}) => {
      const sub = 'system:serviceaccount:backup:snap-to-s3';
      const body = { iss: issuer, aud: ['sts.amazonaws.com'], sub, iat, exp: iat + 3_600, ...claims };
      const signed = [{ alg: 'RS256', typ: 'JWT' }, body]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
    },
  };
}
