import type { Access } from '../../server/caller.js';
import type { RequestContext } from './context.js';
import type { Policy } from './policy.js';

/** The kinds of policies that decide in the sandbox, as IAM's messages call them. */
export type PolicyType = 'identity-based' | 'session';

/** Whether an access is allowed, and if not, why. */
export type Decision =
  | { readonly kind: 'allowed' }
  /** A statement denies it. */
  | { readonly kind: 'explicit-deny'; readonly by: PolicyType }
  /** No statement of a type of policies that must allow it does. */
  | { readonly kind: 'implicit-deny'; readonly by: PolicyType };

/** The policies that apply to a caller. */
export interface PolicySet {
  readonly identityBased: readonly Policy[];
  /** What a session was narrowed to when it began; undefined where it was not. */
  readonly session: readonly Policy[] | undefined;
}

/**
 * Decides as IAM does: a Deny wins over every Allow; what nothing allows is denied; a session may do what both its role
 * and its session policies allow (IAM User Guide, "Policy evaluation logic").
 */
export function evaluate(
  access: Access,
  {
    policies,
    context,
  }: {
    readonly policies: PolicySet;
    readonly context: RequestContext;
  },
): Decision {
  const verdicts = verdictsOf(access, { policies, context });
  const denying = verdicts.find(({ effects }) => effects.has('Deny'));
  if (denying !== undefined) return { kind: 'explicit-deny', by: denying.type };
  const silent = verdicts.find(({ effects }) => !effects.has('Allow'));
  return silent === undefined ? { kind: 'allowed' } : { kind: 'implicit-deny', by: silent.type };
}

function verdictsOf(
  access: Access,
  {
    policies,
    context,
  }: {
    readonly policies: PolicySet;
    readonly context: RequestContext;
  },
) {
  const effectsOf = (all: readonly Policy[]) => {
    const statements = all.flatMap((policy) => policy.statements);
    return new Set(statements.filter((one) => one.appliesTo(access, context)).map((one) => one.effect));
  };
  const identityBased = { type: 'identity-based' as const, effects: effectsOf(policies.identityBased) };
  if (policies.session === undefined) return [identityBased];
  return [identityBased, { type: 'session' as const, effects: effectsOf(policies.session) }];
}
