import { randomBytes } from 'node:crypto';
import { Ec2Error, invalidParameterValue } from './errors.js';

/** What ids name here. */
export type ResourceType = 'snapshot' | 'volume' | 'instance';

const prefixes: Readonly<Record<ResourceType, string>> = { snapshot: 'snap', volume: 'vol', instance: 'i' };

/** A new id as EC2 makes them today: prefix, `-0`, 16 random hexadecimal digits. */
export function newId(type: ResourceType): string {
  return `${prefixes[type]}-0${randomBytes(8).toString('hex')}`;
}

/** The type that an id names by its prefix; undefined when it is no id of ours. */
export function resourceTypeOf(id: string): ResourceType | undefined {
  return (['snapshot', 'volume', 'instance'] as const).find((type) => isId(type, id));
}

/**
 * Checks the form of an id. Throws the code that EC2 has for it: `InvalidSnapshotID.Malformed`,
 * `InvalidInstanceID.Malformed`, and `InvalidParameterValue` for volumes.
 */
export function checkId(type: ResourceType, id: string, parameter: string): string {
  if (isId(type, id)) return id;
  switch (type) {
    case 'snapshot':
      throw new Ec2Error('InvalidSnapshotID.Malformed', `Invalid id: "${id}" (expecting "snap-...")`);
    case 'instance':
      throw new Ec2Error('InvalidInstanceID.Malformed', `Invalid id: "${id}" (expecting "i-...")`);
    case 'volume':
      throw invalidParameterValue(`Value (${id}) for parameter ${parameter} is invalid. Expected: 'vol-...'.`);
  }
}

function isId(type: ResourceType, id: string): boolean {
  return new RegExp(`^${prefixes[type]}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(id);
}
