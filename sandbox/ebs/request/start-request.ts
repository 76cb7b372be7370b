import { createHash } from 'node:crypto';
import { MalformedJson, readJsonObject, type JsonObject } from '../../server/json-protocol.js';
import type { ServiceRequest } from '../../server/service.js';
import { invalid, unknownParameter, unreadable } from '../errors.js';
import { defaultTimeoutMinutes } from '../settings.js';
import type { SnapshotTag } from '../snapshot-port.js';
import { readMembers } from './members.js';

const operation = 'StartSnapshot';

/** 64 TiB ("StartSnapshot", VolumeSize). */
const largestGiB = 65_536;
const mostTags = 50;

/** What StartSnapshot asks for. */
export interface StartRequest {
  readonly sizeGiB: number;
  readonly parentId: string | undefined;
  readonly tags: readonly SnapshotTag[];
  readonly description: string | undefined;
  readonly clientToken: string | undefined;
  readonly encrypted: boolean | undefined;
  readonly kmsKeyArn: string | undefined;
  readonly timeoutMinutes: number;
  /** Tells requests apart that come with the same client token. */
  readonly fingerprint: string;
}

/** Reads the body of StartSnapshot. Throws `ValidationException` and `SerializationException`. */
export function readStartRequest(request: ServiceRequest): StartRequest {
  const body = readBody(request.content);
  const members = readMembers(request, { operation, path: {}, body });
  const read = {
    sizeGiB: members.requiredInteger('volumeSize', { least: 1 }),
    parentId: members.text('parentSnapshotId', { least: 1, most: 64, pattern: /^snap-[0-9a-f]+$/ }),
    description: members.text('description', { most: 255, pattern: /^[\S\s]+$/ }),
    clientToken: members.text('clientToken', { most: 255, pattern: /^[\S]+$/ }),
    encrypted: members.flag('encrypted'),
    kmsKeyArn: members.text('kmsKeyArn', {
      least: 1,
      most: 2_048,
      pattern: /^arn:aws[a-z-]*:kms:.*:[0-9]{12}:key\/.*$/,
    }),
    timeoutMinutes: members.integer('timeout', { least: 10, most: 4_320 }) ?? defaultTimeoutMinutes,
    tags: members.list('tags').map(readTag),
  };
  members.end();
  checkCombination(read);
  checkTags(read.tags);
  return { ...read, fingerprint: createHash('sha256').update(JSON.stringify(read)).digest('hex') };
}

function readBody(content: Buffer): JsonObject {
  try {
    return readJsonObject(content);
  } catch (error) {
    if (error instanceof MalformedJson) throw unreadable(error.message);
    throw error;
  }
}

/** The table "Encryption outcomes for EBS direct APIs", for accounts that do not encrypt by default. */
function checkCombination(read: Pick<StartRequest, 'sizeGiB' | 'parentId' | 'encrypted' | 'kmsKeyArn'>): void {
  const refuse = (message: string): Error => invalid('INVALID_PARAMETER_VALUE', message);
  const { sizeGiB, parentId, encrypted, kmsKeyArn } = read;
  if (sizeGiB > largestGiB) throw invalid('INVALID_VOLUME_SIZE', `Volume size must be at most ${largestGiB} GiB.`);
  if (parentId !== undefined && kmsKeyArn !== undefined) {
    throw refuse('ParentSnapshotId and KmsKeyArn cannot be specified together');
  }
  if (parentId !== undefined && encrypted !== undefined) {
    throw refuse('ParentSnapshotId and Encrypt cannot be specified together');
  }
  if (kmsKeyArn !== undefined && encrypted === false) {
    throw refuse('Encrypt cannot be false when KmsKeyArn is specified');
  }
}

function readTag(tag: JsonObject): SnapshotTag {
  const { Key, Value, ...others } = tag;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw unknownParameter(operation, `Tags.${unknown}`);
  if (typeof Key !== 'string') throw invalid('INVALID_TAG', 'A tag must have a key.');
  if (Value !== undefined && Value !== null && typeof Value !== 'string') {
    throw invalid('INVALID_TAG', `The value of the tag '${Key}' is no text.`);
  }
  return { key: Key, value: Value ?? '' };
}

/** Lengths are those of the service's model, which are one less than EC2's. */
function checkTags(tags: readonly SnapshotTag[]): void {
  const seen = new Set<string>();
  if (tags.length > mostTags) throw invalid('INVALID_TAG', `A snapshot can have ${mostTags} tags.`);
  for (const { key, value } of tags) {
    if (key === '' || key.length > 127) throw invalid('INVALID_TAG', 'The key of a tag has 1 to 127 characters.');
    if (value.length > 255) throw invalid('INVALID_TAG', 'The value of a tag has at most 255 characters.');
    if (/^aws:/i.test(key)) throw invalid('INVALID_TAG', "Tag keys starting with 'aws:' are reserved.");
    if (seen.has(key)) throw invalid('INVALID_TAG', `The tag key '${key}' is given twice.`);
    seen.add(key);
  }
}
