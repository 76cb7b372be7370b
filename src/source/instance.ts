import { z } from 'zod';
import { AppError, instanceId, retrying, systemClock, type RetryPolicy } from '../core/index.js';
import type { Instance } from './volume.js';

/** Where the instance metadata service listens on EC2. */
export const defaultMetadataEndpoint = 'http://169.254.169.254';

/** The service answers within milliseconds, or, off EC2, never. At most two requests of one call can end so, and a slow machine
 * may be the reason. */
const timeoutMs = 2_000;
/** Where it is asked too often by all on the instance together, it says so for some moments (EC2 user guide, "Query throttling"). */
const patience: RetryPolicy = { attempts: 5, firstPauseMs: 200, longestPauseMs: 1_000, totalMs: 8_000 };
/** One request needs no more. */
const tokenTtlSeconds = 60;
const tokenPath = '/latest/api/token';
const documentPath = '/latest/dynamic/instance-identity/document';
const identityDocument = z.object({ instanceId: z.string(), availabilityZone: z.string(), region: z.string() });

/** What came of a request. */
type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  /** No answer in time, which is not the same as nobody there. */
  | { readonly kind: 'silence'; readonly cause: unknown }
  | { readonly kind: 'unreachable'; readonly cause: unknown };

/**
 * Asks the instance metadata service where we run: with a session token (version 2), and without one only where the
 * token does not get here and the instance allows version 1; again where it is asked too often. Throws `no-instance-metadata`
 * within a few seconds, and `usage` for an endpoint that is no URL.
 */
export async function currentInstance(endpoint: string = defaultMetadataEndpoint): Promise<Instance> {
  if (!URL.canParse(endpoint)) {
    throw new AppError('usage', `The address of the EC2 instance metadata service, "${endpoint}", is no URL.`, {
      hint: `Correct or unset AWS_EC2_METADATA_SERVICE_ENDPOINT; on EC2 it is ${defaultMetadataEndpoint}.`,
    });
  }
  const ask = async (): Promise<string> => {
    const document = await identityWithToken(endpoint);
    // A token can end, and the service forget its tokens, between two requests.
    return textOf(isAnswer(document, 401) ? await identityWithToken(endpoint) : document, endpoint);
  };
  return parseIdentity(await retrying(ask, { clock: systemClock, policy: patience }), endpoint);
}

async function identityWithToken(endpoint: string): Promise<Outcome> {
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenTtlSeconds) };
  const askForToken = (): Promise<Outcome> => request(new URL(tokenPath, endpoint), { method: 'PUT', headers });
  const first = await askForToken();
  let token = first;
  if (first.kind === 'silence') {
    const document = await request(new URL(documentPath, endpoint), {});
    if (isAnswer(document, 200)) return document;
    if (!isAnswer(document, 401)) return first;
    // It is there, and wants a token: either that was a slow moment, or tokens never get here.
    token = await askForToken();
    if (token.kind === 'silence') throw tokensGetLost(endpoint);
  }
  const value = textOf(token, endpoint);
  return request(new URL(documentPath, endpoint), { headers: { 'x-aws-ec2-metadata-token': value } });
}

/** Beyond the hop limit a token is lost on its way here, while all other answers arrive. */
function tokensGetLost(endpoint: string): AppError {
  return new AppError(
    'no-instance-metadata',
    `The EC2 instance metadata service at ${endpoint} is there, but its session tokens do not get here.`,
    {
      hint:
        'The hop limit of the instance is too small for a container. Raise it: aws ec2 modify-instance-metadata-options ' +
        '--instance-id i-… --http-put-response-hop-limit 2; or give the container the network of the host.',
    },
  );
}

/** The text of a good answer. Throws `no-instance-metadata` for everything else. */
function textOf(outcome: Outcome, endpoint: string): string {
  const service = `The EC2 instance metadata service at ${endpoint}`;
  if (outcome.kind !== 'answered') {
    throw new AppError('no-instance-metadata', `${service} does not answer.`, {
      cause: outcome.cause,
      hint:
        'Run this on an EC2 instance whose metadata service is enabled and not firewalled; ' +
        'or try it on the local AWS: snap-to-s3 sandbox start',
    });
  }
  const { status, text } = outcome;
  if (status === 200) return text;
  if (status === 403) {
    throw new AppError('no-instance-metadata', `${service} refuses to answer (403).`, {
      hint:
        'It is turned off for this instance, or a proxy stands in between. Turn it on: ' +
        'aws ec2 modify-instance-metadata-options --instance-id i-… --http-endpoint enabled',
    });
  }
  throw new AppError('no-instance-metadata', `${service} answered with status ${status}.`, {
    retryable: status === 429 || status >= 500,
    hint:
      status === 429 || status >= 500
        ? 'It limits how often an instance may ask. Wait a moment, and try again.'
        : 'Check that AWS_EC2_METADATA_SERVICE_ENDPOINT, if it is set, leads to such a service.',
  });
}

function parseIdentity(text: string, endpoint: string): Instance {
  try {
    const identity = identityDocument.parse(JSON.parse(text));
    return { ...identity, instanceId: instanceId(identity.instanceId) };
  } catch (cause) {
    throw new AppError('no-instance-metadata', `What answers at ${endpoint} is no EC2 instance metadata service.`, {
      cause,
      hint: 'Correct or unset AWS_EC2_METADATA_SERVICE_ENDPOINT.',
    });
  }
}

function isAnswer(outcome: Outcome, status: number): boolean {
  return outcome.kind === 'answered' && outcome.status === status;
}

async function request(url: URL, init: RequestInit): Promise<Outcome> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    return { kind: 'answered', status: response.status, text: await response.text() };
  } catch (cause) {
    const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
    return { kind: isTimeout ? 'silence' : 'unreachable', cause };
  }
}
