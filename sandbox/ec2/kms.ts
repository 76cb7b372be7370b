import { createHash } from 'node:crypto';

/** Whose keys, and where: KMS keys belong to one region. */
export interface KeyPlace {
  readonly region: string;
  readonly accountId: string;
}

/** A key as EC2 tells it: by its ARN. `inaccessible` keys are noticed only afterwards: what was to use them fails then. */
export type Key =
  | { readonly kind: 'accessible'; readonly arn: string }
  | { readonly kind: 'inaccessible'; readonly arn: string; readonly reason: string };

const managedAlias = 'alias/aws/ebs';
const keyIdForm = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;
const arnForm = /^arn:aws:kms:([a-z0-9-]+):(\d{12}):(?:key\/([\w-]+)|(alias\/[\w/-]+))$/;

/** The key `aws/ebs` that AWS manages, and that is used where none is named. Always the same for a place. */
export function managedKeyArn(place: KeyPlace): string {
  return keyArn(idOfAlias(managedAlias, place), place);
}

/**
 * The key that a request names: by id, alias, key ARN or alias ARN. There is no KMS here: every key and every alias is
 * taken to exist, an alias naming a key of its own. A key of another region, and what is no key at all, is inaccessible.
 */
export function namedKey(name: string, place: KeyPlace): Key {
  if (keyIdForm.test(name)) return { kind: 'accessible', arn: keyArn(name, place) };
  if (/^alias\/[\w/-]+$/.test(name)) return { kind: 'accessible', arn: keyArn(idOfAlias(name, place), place) };
  const [, region = '', accountId = '', keyId, alias = ''] = arnForm.exec(name) ?? [];
  const owner = { region, accountId };
  const arn = region === '' ? name : keyArn(keyId ?? idOfAlias(alias, owner), owner);
  if (region === place.region) return { kind: 'accessible', arn };
  return { kind: 'inaccessible', arn, reason: 'Given key ID is not accessible' };
}

function keyArn(keyId: string, { region, accountId }: KeyPlace): string {
  return `arn:aws:kms:${region}:${accountId}:key/${keyId}`;
}

/** The form of a key id, made of what it must be the same for. */
function idOfAlias(alias: string, { region, accountId }: KeyPlace): string {
  const digits = createHash('sha256').update(`${region} ${accountId} ${alias}`).digest('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
