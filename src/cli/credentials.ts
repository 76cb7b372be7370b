import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { steadyCredentials } from '../core/index.js';

/** What the SDK would write to the console, our own errors and retries tell better. */
const silent = (): undefined => undefined;
export const silentLogger = { debug: silent, info: silent, warn: silent, error: silent };

/** The metadata service has a slow second now and then; where there is none, four of them tell. */
const metadataPatience = { timeout: 1_000, maxRetries: 2 };

/** The SDK's usual chain: environment, profile, SSO, process, web identity, container, role of the instance. */
export function usualCredentials() {
  const chain = fromNodeProviderChain({ ...metadataPatience, logger: silentLogger });
  return steadyCredentials(chain, { profile: process.env.AWS_PROFILE ?? 'default' });
}
