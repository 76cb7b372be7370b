import type { Access } from '../../server/caller.js';
import type { Decision } from './evaluate.js';

/** A decision that is a denial. */
export type Denial = Exclude<Decision, { readonly kind: 'allowed' }>;

/**
 * What AWS says of a denial (IAM User Guide, "Troubleshoot access denied error messages"), in the manner of the service:
 * S3 puts the ARN into quotes, STS gives no reason for roles that may not be
 * assumed. Actions without a resource name none. EC2 puts a sentence of its own before it.
 */
export function denialMessage(
  { action, resource }: Access,
  {
    denial,
    arn,
  }: {
    readonly denial: Denial;
    /** Of the caller. */
    readonly arn: string;
  },
): string {
  const service = action.split(':')[0];
  const quoted = service === 's3' ? `"${resource}"` : resource;
  const what = `User: ${arn} is not authorized to perform: ${action}${resource === '*' ? '' : ` on resource: ${quoted}`}`;
  const withReason = `${what} ${reasonOf(denial, action)}`;
  return action === 'sts:AssumeRole' && denial.kind === 'implicit-deny' ? what : withReason;
}

function reasonOf({ kind, by }: Denial, action: string): string {
  if (kind === 'implicit-deny') return `because no ${by} policy allows the ${action} action`;
  return `with an explicit deny in ${by === 'session' ? 'a' : 'an'} ${by} policy`;
}
