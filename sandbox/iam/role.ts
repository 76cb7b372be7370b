import type { Caller } from '../server/caller.js';
import type { Account, NewPrincipal } from './account.js';
import { newUniqueId, type TemporaryKey } from './keys.js';
import { parsePolicy, type Policy } from './policy/index.js';
import { callerOf, principalKeys } from './principal.js';

/** How a session of a role begins. */
export interface NewSession {
  /** The last part of the session's ARN: the id of the instance, or what the caller of AssumeRole says. */
  readonly sessionName: string;
  readonly lifetimeMs: number;
  /** Narrows the session to what both this and the role's policies allow. */
  readonly sessionPolicy?: Policy;
}

/** A role of the account. */
export interface Role {
  readonly name: string;
  /** `arn:aws:iam::123456789012:role/snap-to-s3` */
  readonly arn: string;
  /** `AROA…` */
  readonly id: string;
  /** Takes the place of all policies, from the next request on, of sessions that run too. */
  setPolicies(policies: readonly Policy[]): void;
  /** Begins a session. Throws a `throttled` refusal when 1,000 keys have not ended yet. */
  issue(session: NewSession): TemporaryKey;
  /** Takes everything from the sessions that were issued until now, as "Revoke active sessions" of the console does. */
  revokeSessions(): void;
  /** A session of the role as caller. */
  caller(session: SessionOfRole): Caller;
}

/** A session that was issued. */
export interface SessionOfRole {
  readonly sessionName: string;
  readonly sessionPolicy: Policy | undefined;
  readonly issuedAtMs: number;
}

/** Makes a role; a name that was here before gets its id back, and its revoked sessions stay revoked. */
export function rememberedRole(options: NewPrincipal, account: Account): Role {
  const { name, tags = {} } = options;
  const { accountId, clock, store, temporaryKeys } = account;
  const { roles } = store.content;
  let known = roles[name];
  if (known === undefined) {
    known = { id: newUniqueId('AROA'), revokedBeforeMs: null };
    roles[name] = known;
    store.save();
  }
  const { id } = known;
  const arn = `arn:aws:iam::${accountId}:role/${name}`;
  let policies = options.policies;
  let revocation = known.revokedBeforeMs === null ? [] : [denyOlderSessions(known.revokedBeforeMs)];
  return {
    name,
    arn,
    id,
    setPolicies: (replacement) => {
      policies = replacement;
    },
    issue: ({ sessionName, lifetimeMs, sessionPolicy }) => {
      const holder = {
        kind: 'role-session',
        role: name,
        sessionName,
        sessionPolicy: sessionPolicy?.text ?? null,
      } as const;
      return temporaryKeys.issue({ holder, lifetimeMs });
    },
    revokeSessions: () => {
      const revokedBeforeMs = clock.now();
      roles[name] = { id, revokedBeforeMs };
      store.save();
      revocation = [denyOlderSessions(revokedBeforeMs)];
    },
    caller: ({ sessionName, sessionPolicy, issuedAtMs }) => {
      const userId = `${id}:${sessionName}`;
      const who = { accountId, userId, principalArn: arn, type: 'AssumedRole', tags } as const;
      const session = sessionPolicy === undefined ? undefined : [sessionPolicy];
      return callerOf(
        {
          accountId,
          arn: `arn:aws:sts::${accountId}:assumed-role/${name}/${sessionName}`,
          userId,
          policies: () => ({ identityBased: [...policies, ...revocation], session }),
          keys: principalKeys({ ...who, tokenIssuedAtMs: issuedAtMs }),
        },
        { clock },
      );
    },
  };
}

/** The inline policy AWSRevokeOlderSessions that the console puts on a role. */
function denyOlderSessions(beforeMs: number): Policy {
  const Condition = { DateLessThan: { 'aws:TokenIssueTime': new Date(beforeMs).toISOString() } };
  const Statement = [{ Effect: 'Deny', Action: ['*'], Resource: ['*'], Condition }];
  return parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement }));
}
