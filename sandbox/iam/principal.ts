import type { Clock } from '../../src/core/index.js';
import type { Caller } from '../server/caller.js';
import { Refusal } from '../server/refusal.js';
import { denialMessage, evaluate, requestContext, type PolicySet } from './policy/index.js';

/** Somebody whose policies decide what they may do. */
export interface Principal {
  readonly accountId: string;
  readonly arn: string;
  readonly userId: string;
  /** The policies that apply now: they may be others at the next request. */
  readonly policies: () => PolicySet;
  /** The condition keys that say who it is: `aws:PrincipalArn` and so on. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

/** The caller that a principal is; each access is held against the policies that apply at that moment. */
export function callerOf(principal: Principal, { clock }: { readonly clock: Clock }): Caller {
  const { accountId, arn, userId, policies, keys } = principal;
  return {
    accountId,
    arn,
    userId,
    authorize: (access) => {
      const context = requestContext(access.context ?? {}, keysOfEveryRequest(clock.now()), keys);
      const decision = evaluate(access, { policies: policies(), context });
      if (decision.kind === 'allowed') return;
      throw new Refusal('access-denied', denialMessage(access, { denial: decision, arn }));
    },
  };
}

/** The keys that say who a principal is (IAM User Guide, "AWS global condition context keys"). */
export function principalKeys(who: {
  readonly accountId: string;
  readonly userId: string;
  /** Of the user, or of the role of a session. */
  readonly principalArn: string;
  readonly type: 'User' | 'AssumedRole';
  /** Only users have one. */
  readonly userName?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** When the temporary key was issued that signs; undefined for keys that do not end. */
  readonly tokenIssuedAtMs: number | undefined;
}): Readonly<Record<string, readonly string[]>> {
  const { userName, tokenIssuedAtMs } = who;
  const tags = Object.entries(who.tags).map(([key, value]): [string, readonly string[]] => [
    `aws:PrincipalTag/${key}`,
    [value],
  ]);
  return {
    ...Object.fromEntries(tags),
    'aws:PrincipalAccount': [who.accountId],
    'aws:PrincipalArn': [who.principalArn],
    'aws:PrincipalType': [who.type],
    'aws:userid': [who.userId],
    ...(userName === undefined ? {} : { 'aws:username': [userName] }),
    ...(tokenIssuedAtMs === undefined
      ? {}
      : { 'aws:TokenIssueTime': [new Date(tokenIssuedAtMs).toISOString()], 'aws:MultiFactorAuthPresent': ['false'] }),
  };
}

/** The sandbox speaks HTTP on the loopback address. */
function keysOfEveryRequest(nowMs: number): Readonly<Record<string, readonly string[]>> {
  return {
    'aws:CurrentTime': [new Date(nowMs).toISOString()],
    'aws:EpochTime': [String(Math.floor(nowMs / 1000))],
    'aws:SecureTransport': ['false'],
    'aws:SourceIp': ['127.0.0.1'],
  };
}
