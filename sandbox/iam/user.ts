import type { Caller } from '../server/caller.js';
import type { Account, NewPrincipal } from './account.js';
import { newAccessKey, newUniqueId, type AccessKey, type TemporaryKey } from './keys.js';
import type { Policy } from './policy/index.js';
import { callerOf, principalKeys } from './principal.js';

/** A user of the account, who is also its own access key. */
export interface User extends AccessKey {
  readonly name: string;
  readonly arn: string;
  /** Takes the place of all policies, from the next request on. */
  setPolicies(policies: readonly Policy[]): void;
  /** Issues a key with the user's own permissions, as GetSessionToken does. Throws a `throttled` refusal when 1,000 keys have not ended yet. */
  issue(options: { readonly lifetimeMs: number }): TemporaryKey;
  /** The user as caller; undefined for the key that does not end. */
  caller(tokenIssuedAtMs: number | undefined): Caller;
}

/** Makes a user; a name that was here before gets its id and its key back. */
export function rememberedUser(options: NewPrincipal, account: Account): User {
  const { store } = account;
  const { users } = store.content;
  let known = users[options.name];
  if (known === undefined) {
    known = { id: newUniqueId('AIDA'), key: newAccessKey('AKIA') };
    users[options.name] = known;
    store.save();
  }
  return user({ ...options, ...known }, account);
}

/** A user whose id and key are known. */
export function user(
  options: NewPrincipal & { readonly id: string; readonly key: AccessKey },
  { accountId, clock, temporaryKeys }: Account,
): User {
  const { name, id, key, tags = {} } = options;
  const arn = `arn:aws:iam::${accountId}:user/${name}`;
  let policies = options.policies;
  return {
    ...key,
    name,
    arn,
    setPolicies: (replacement) => {
      policies = replacement;
    },
    issue: ({ lifetimeMs }) => temporaryKeys.issue({ holder: { kind: 'user', user: name }, lifetimeMs }),
    caller: (tokenIssuedAtMs) => {
      const who = { accountId, userId: id, principalArn: arn, type: 'User', userName: name, tags } as const;
      const keys = principalKeys({ ...who, tokenIssuedAtMs });
      const set = () => ({ identityBased: policies, session: undefined });
      return callerOf({ accountId, arn, userId: id, policies: set, keys }, { clock });
    },
  };
}
