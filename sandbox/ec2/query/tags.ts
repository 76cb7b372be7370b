import { Ec2Error, invalidParameterValue } from '../errors.js';
import type { ResourceType } from '../ids.js';
import type { Tag } from '../state/index.js';
import type { Parameters } from './parameters.js';

const mostTags = 50;
const longestKey = 128;
const longestValue = 256;

/** Reads `TagSpecification.N` of an action that makes one kind of resource. */
export function readTagSpecification(parameters: Parameters, type: ResourceType): readonly Tag[] {
  const tags = parameters.groups('TagSpecification').flatMap((group) => {
    const given = group.required('ResourceType');
    if (given !== type) {
      throw invalidParameterValue(`'${given}' is not a valid taggable resource type for this operation.`);
    }
    return group.groups('Tag').map((entry) => ({ key: entry.text('Key') ?? '', value: entry.text('Value') ?? '' }));
  });
  return addTags([], checkTags(tags));
}

/** Checks tags that a client wants to set: lengths, reserved names, keys given twice. */
export function checkTags(tags: readonly Tag[]): readonly Tag[] {
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (key === '') throw invalidParameterValue('Tag key cannot be empty.');
    if (key.length > longestKey) {
      throw invalidParameterValue(`Tag key exceeds the maximum length of ${longestKey} characters`);
    }
    if (value.length > longestValue) {
      throw invalidParameterValue(`Tag value exceeds the maximum length of ${longestValue} characters`);
    }
    if (/^aws:/i.test(key)) throw invalidParameterValue("Tag keys starting with 'aws:' are reserved for internal use");
    if (seen.has(key)) throw invalidParameterValue(`Duplicate tag key '${key}' specified.`);
    seen.add(key);
  }
  return tags;
}

/** The tags with others set over them. Throws `TagLimitExceeded` beyond 50. */
export function addTags(tags: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  const result = new Map([...tags, ...added].map(({ key, value }) => [key, value]));
  if (result.size > mostTags) {
    throw new Ec2Error('TagLimitExceeded', 'The maximum number of Tags for a resource has been reached.');
  }
  return [...result].map(([key, value]) => ({ key, value }));
}

/** A tag to remove: with a value, only if it has exactly this one. */
export interface TagRemoval {
  readonly key: string;
  readonly value: string | undefined;
}

/** The tags without some; without all of them where nothing is named. */
export function removeTags(tags: readonly Tag[], removals: readonly TagRemoval[]): readonly Tag[] {
  if (removals.length === 0) return [];
  return tags.filter(
    (tag) => !removals.some(({ key, value }) => key === tag.key && (value === undefined || value === tag.value)),
  );
}
