import type { AppError } from '../../core/index.js';
import { reasonOf, type Finding, type FindingsOf } from './finding.js';

/** What asking for a permission came to: the error of the attempt, or none. */
export interface Asked {
  /** `s3:PutObject`, as docs/iam-policy.json names it, and what it is for where it is there twice. */
  readonly permission: string;
  readonly error: AppError | undefined;
  /** What to do where it is not allowed, if AWS's denial alone would lead astray. */
  readonly advice?: string;
}

/** The finding of a permission that was used for real: any error is one that `migrate` would meet too. */
export function usedPermission(findings: FindingsOf, { permission, error, advice }: Asked): Finding {
  if (error === undefined) return findings.ok(permission, 'Allowed.');
  if (error.code === 'access-denied') return denied(findings, permission, { error, advice: advice ?? error.hint });
  return findings.failed(permission, reasonOf(error), error.hint);
}

/** The finding of a permission that was asked about with DryRun: other errors than a denial say nothing about it. */
export function askedPermission(findings: FindingsOf, { permission, error, advice }: Asked): Finding {
  if (error === undefined) return findings.ok(permission, 'Allowed.');
  if (error.code === 'access-denied') return denied(findings, permission, { error, advice: advice ?? error.hint });
  return findings.unknown(permission, `EC2 did not come to the question whether it is allowed. ${reasonOf(error)}`);
}

/** As {@link askedPermission}, for what only some uses of this tool need, named by `for`: a warning where it is missing. */
export function askedOptional(
  findings: FindingsOf,
  { permission, error, for: use }: Asked & { readonly for: string },
): Finding {
  if (error?.code !== 'access-denied') return askedPermission(findings, { permission, error });
  return findings.warning(permission, `Not allowed. Only ${use} needs it. ${reasonOf(error)}`, error.hint ?? '');
}

function denied(
  findings: FindingsOf,
  permission: string,
  { error, advice }: { readonly error: AppError; readonly advice: string | undefined },
): Finding {
  return findings.failed(permission, `Not allowed. ${reasonOf(error)}`, advice);
}

/** The action that a denial names in AWS's own words; it may be another one than the one that was asked for. */
export function deniedAction(error: AppError): string | undefined {
  if (error.code !== 'access-denied') return undefined;
  return /not authorized to perform: ([\w-]+:\w+)/.exec(error.message)?.[1];
}
