import { STSClient } from '@aws-sdk/client-sts';
import { onTestFinished } from 'vitest';
import type { AccessKey } from '../../../sandbox/iam/index.js';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { createStsService, type IdentityProvider } from '../../../sandbox/sts/index.js';
import { testIdentities, type TestIdentities } from '../iam/support.js';
import { testServer } from '../server/support.js';

/** A key, and the token of temporary ones. */
export type ClientKey = AccessKey & { readonly sessionToken?: string };

/** The local STS, which knows callers by their key; the signature is another stage's. */
export interface StsSandbox extends TestIdentities {
  readonly url: string;
  readonly client: (key: ClientKey, region?: string) => STSClient;
}

/** Starts one; it ends with the test, which fails if the sandbox had a defect. */
export async function stsSandbox(identityProviders: readonly IdentityProvider[] = []): Promise<StsSandbox> {
  const test = await testIdentities();
  const byKey: Stage = (exchange, next) => {
    const { request } = exchange;
    const caller = test.identities.find(request.accessKeyId ?? '')?.caller ?? request.caller;
    return next({ ...exchange, request: { ...request, caller } });
  };
  const { server, defects } = await testServer([createStsService({ ...test, identityProviders })], { stages: [byKey] });
  onTestFinished(async () => {
    await server.close();
    if (defects.length > 0) throw new AggregateError(defects, 'The sandbox had defects');
  });
  const client = ({ accessKeyId, secretAccessKey, sessionToken }: ClientKey, region = 'us-east-1') => {
    const token = sessionToken === undefined ? {} : { sessionToken };
    const credentials = { accessKeyId, secretAccessKey, ...token };
    return new STSClient({ endpoint: server.url, region, maxAttempts: 1, credentials });
  };
  return { ...test, url: server.url, client };
}
