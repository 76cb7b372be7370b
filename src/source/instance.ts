import { z } from 'zod';
import { AppError, instanceId } from '../core/index.js';
import type { Instance } from './volume.js';

/** Where the instance metadata service listens on EC2. */
export const defaultMetadataEndpoint = 'http://169.254.169.254';

const timeoutMs = 3_000;
/** One request needs no more. */
const tokenTtlSeconds = 60;
const identityDocument = z.object({ instanceId: z.string(), availabilityZone: z.string(), region: z.string() });

/**
 * Asks the instance metadata service (version 2, with a token) where we run. Throws `no-instance-metadata` within a few
 * seconds.
 */
export async function currentInstance(endpoint: string = defaultMetadataEndpoint): Promise<Instance> {
  try {
    const token = await request(new URL('/latest/api/token', endpoint), {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenTtlSeconds) },
    });
    const document = await request(new URL('/latest/dynamic/instance-identity/document', endpoint), {
      headers: { 'x-aws-ec2-metadata-token': token },
    });
    const identity = identityDocument.parse(JSON.parse(document));
    return { ...identity, instanceId: instanceId(identity.instanceId) };
  } catch (error) {
    throw new AppError('no-instance-metadata', `The EC2 instance metadata service at ${endpoint} does not answer.`, {
      cause: error,
      hint:
        'Run this on an EC2 instance whose metadata service is enabled and not firewalled; ' +
        'or try it on the local AWS: snap-to-s3 sandbox start',
    });
  }
}

async function request(url: URL, init: RequestInit): Promise<string> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}.`);
  return text;
}
