import type { IncomingMessage } from 'node:http';
import { metadataDocuments, type ImdsInstance, type InstanceTag } from './metadata.js';
import type { MetadataOptions } from './metadata-options.js';
import { notAllowed, refusal, textReply, type Reply } from './reply.js';
import type { RoleKeys } from './role-keys.js';
import type { Tokens } from './tokens.js';
import { lookUp } from './tree.js';
import { splitVersion, versionListing } from './versions.js';

/** What answers are made of. */
export interface AnswerSources {
  readonly instance: ImdsInstance;
  readonly tags: () => readonly InstanceTag[];
  readonly keys: RoleKeys;
  readonly tokens: Tokens;
  readonly options: MetadataOptions;
}

const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const tokenPath = 'api/token';

/** Answers a request as the instance metadata service does. Rejects when the role's keys cannot be had. */
export async function answer(request: IncomingMessage, sources: AnswerSources): Promise<Reply> {
  if (sources.options.httpEndpoint === 'disabled') return refusal(403);
  const path = (request.url ?? '/').replace(/\?.*$/, '');
  const { method } = request;
  if (method === 'PUT') return tokenReply(request, path, sources.tokens);
  if (method === 'GET' || method === 'HEAD') return read(request, path, sources);
  return notAllowed(splitVersion(path)?.path === tokenPath ? 'OPTIONS, PUT' : 'OPTIONS, HEAD, GET');
}

/** A token; only below `latest`, and never for a request that some proxy passed on. */
function tokenReply({ headers }: IncomingMessage, path: string, tokens: Tokens): Reply {
  const place = splitVersion(path);
  if (place === undefined) return refusal(404);
  if (place.path !== tokenPath) return notAllowed('OPTIONS, HEAD, GET');
  if (place.version !== 'latest' || headers['x-forwarded-for'] !== undefined) return refusal(403);
  const issued = tokens.issue(single(headers[ttlHeader]));
  if (issued === undefined) return refusal(400);
  return textReply(issued.token, { [ttlHeader]: String(issued.ttlSeconds) });
}

/** A document, for a good token; without any token (version 1) only where tokens are optional. */
async function read(request: IncomingMessage, path: string, sources: AnswerSources): Promise<Reply> {
  const { options, tokens, instance, keys } = sources;
  const token = single(request.headers[tokenHeader]);
  const secondsLeft = token === undefined ? undefined : tokens.secondsLeft(token);
  const isAllowed = token === undefined ? options.httpTokens === 'optional' : secondsLeft !== undefined;
  if (!isAllowed) return refusal(401);
  if (path === '/') return textReply(versionListing);
  const place = splitVersion(path);
  if (place === undefined) return refusal(404);
  if (place.path === tokenPath) return notAllowed('OPTIONS, PUT');
  const tags = options.instanceMetadataTags === 'enabled' ? sources.tags() : undefined;
  const text = await lookUp(metadataDocuments(instance, { keys, tags }), place.path);
  if (text === undefined) return refusal(404);
  return textReply(text, secondsLeft === undefined ? {} : { [ttlHeader]: String(secondsLeft) });
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
