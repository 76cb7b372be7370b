import { AppError, type Clock } from '../../src/core/index.js';
import type { Caller } from '../server/caller.js';
import type { Account, NewPrincipal } from './account.js';
import { administratorUser } from './administrator.js';
import { openKeyStore, type StoredKey } from './key-file.js';
import { parsePolicy } from './policy/index.js';
import { rememberedRole, type Role } from './role.js';
import { temporaryKeys } from './temporary-keys.js';
import { rememberedUser, user, type User } from './user.js';

/** What belongs to an access key. */
export interface Credential {
  readonly secretAccessKey: string;
  /** What a request with this key must bear; undefined for keys that do not end. */
  readonly sessionToken: string | undefined;
  /** Keys that ended less than a day ago are still found. */
  readonly expiresAtMs: number | undefined;
  /** Whose key it is; what they may do is looked up anew at each request. */
  readonly caller: Caller;
}

/** Who there is in an account. */
export interface Identities {
  readonly accountId: string;
  /** Undefined for keys of nobody, of users and roles that were not added, and of sessions that are long over. */
  find(accessKeyId: string): Credential | undefined;
  /** Adds a user. Throws `usage` for a name that is taken or none. */
  addUser(options: NewPrincipal): User;
  user(name: string): User | undefined;
  /** Adds a role. Throws `usage` for a name that is taken or none. */
  addRole(options: NewPrincipal): Role;
  role(name: string): Role | undefined;
}

/** Where and for whom identities are kept. */
export interface IdentitiesOptions {
  /** Where ids and keys outlive the sandbox. One sandbox at a time may have it. */
  readonly directory: string;
  readonly accountId: string;
  readonly clock: Clock;
}

/**
 * Opens the identities of an account, with the administrator. Other users and roles are to be added at each start: their
 * ids and keys are remembered, their policies are not. Throws `usage` for a directory that is not its own.
 */
export function openIdentities({ directory, accountId, clock }: IdentitiesOptions): Identities {
  const store = openKeyStore(directory);
  const account: Account = { accountId, clock, store, temporaryKeys: temporaryKeys(store, { clock }) };
  const administrator = user(administratorUser, account);
  const users = new Map([[administrator.name, administrator]]);
  const roles = new Map<string, Role>();

  const callerOfHolder = ({ holder, issuedAtMs }: StoredKey): Caller | undefined => {
    switch (holder.kind) {
      case 'user':
        return users.get(holder.user)?.caller(issuedAtMs);
      case 'role-session': {
        const sessionPolicy = holder.sessionPolicy === null ? undefined : parsePolicy(holder.sessionPolicy);
        return roles.get(holder.role)?.caller({ sessionName: holder.sessionName, sessionPolicy, issuedAtMs });
      }
    }
  };

  return {
    accountId,
    find: (accessKeyId) => {
      const owner = [...users.values()].find((one) => one.accessKeyId === accessKeyId);
      if (owner !== undefined) {
        const { secretAccessKey } = owner;
        return { secretAccessKey, sessionToken: undefined, expiresAtMs: undefined, caller: owner.caller(undefined) };
      }
      const key = account.temporaryKeys.find(accessKeyId);
      const caller = key === undefined ? undefined : callerOfHolder(key);
      if (key === undefined || caller === undefined) return undefined;
      const { secretAccessKey, sessionToken, expiresAtMs } = key;
      return { secretAccessKey, sessionToken, expiresAtMs, caller };
    },
    addUser: (options) => added(users, options, () => rememberedUser(options, account)),
    user: (name) => users.get(name),
    addRole: (options) => added(roles, options, () => rememberedRole(options, account)),
    role: (name) => roles.get(name),
  };
}

function added<T>(known: Map<string, T>, { name }: NewPrincipal, make: () => T): T {
  if (!/^[\w+=,.@-]{1,64}$/.test(name))
    throw new AppError('usage', `${JSON.stringify(name)} is no name for a user or role.`);
  if (known.has(name)) throw new AppError('usage', `The sandbox has a user or role ${name} already.`);
  const made = make();
  known.set(name, made);
  return made;
}
