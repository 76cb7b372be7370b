import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { StsError } from './errors.js';

/** An OpenID Connect provider of the account, as CreateOpenIDConnectProvider of IAM makes one. */
export interface IdentityProvider {
  /** `https://…`, the claim `iss` of its tokens. */
  readonly issuer: string;
  /** The client ids for which tokens are made: `sts.amazonaws.com` for pods of EKS. */
  readonly audiences: readonly string[];
  /** Of the RSA key that signs them, as PEM. AWS fetches it from the issuer. */
  readonly publicKey: string;
  /** So long sessions last whatever is asked for. AWS's last a quarter of an hour at least. */
  readonly sessionMs?: number;
}

/** What a good token says. */
export interface WebIdentity {
  readonly provider: IdentityProvider;
  readonly subject: string;
  readonly audience: string;
}

const header = z.object({ alg: z.literal('RS256') });
const claims = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
  exp: z.number(),
  iat: z.number(),
});

/**
 * Reads a token (JSON Web Token, RS256) and verifies it. Throws `InvalidIdentityToken` and `ExpiredTokenException`, in
 * this order: form, issuer, signature, end, audience.
 */
export function verifyToken(
  token: string,
  { providers, nowMs }: { readonly providers: readonly IdentityProvider[]; readonly nowMs: number },
): WebIdentity {
  const [head = '', body = '', signature = '', ...more] = token.split('.');
  const said = claims.safeParse(json(body));
  if (more.length > 0 || !header.safeParse(json(head)).success || !said.success) {
    throw invalid('The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)');
  }
  const { iss, sub, aud, exp } = said.data;
  const provider = providers.find(({ issuer }) => issuer === iss);
  if (provider === undefined) throw invalid(`No OpenIDConnect provider found in your account for ${iss}`);
  const key = createPublicKey(provider.publicKey);
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) {
    throw invalid(
      "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
    );
  }
  const now = Math.floor(nowMs / 1_000);
  if (exp <= now) {
    const message = `Token expired: current date/time ${now} must be before the expiration date/time ${exp}`;
    throw new StsError('ExpiredTokenException', message);
  }
  const audience = aud.find((one) => provider.audiences.includes(one));
  if (audience === undefined) throw invalid('Incorrect token audience');
  return { provider, subject: sub, audience };
}

const invalid = (message: string): StsError => new StsError('InvalidIdentityToken', message);

function json(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
