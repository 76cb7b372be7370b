/** What is to be done, in the words of IAM policies. */
export interface Access {
  /** `s3:PutObject` */
  readonly action: string;
  /** The ARN of what it is done to; `*` for actions that have no resource. */
  readonly resource: string;
  /** Condition keys and what the request has for them: `aws:ResourceTag/Name`, `s3:prefix`. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** Who asks. */
export interface Caller {
  /** `123456789012` */
  readonly accountId: string;
  /** `arn:aws:sts::123456789012:assumed-role/…` */
  readonly arn: string;
  /** The unique id: `AROA…:i-…` of a role session, `AIDA…` of a user, the account of its root. */
  readonly userId: string;
  /** Throws {@link Refusal} of the kind `access-denied` when the caller's policies do not allow it. */
  readonly authorize: (access: Access) => void;
}

/** The root of an account, who may do everything: the caller of a sandbox that verifies no signatures. */
export function accountRoot(accountId: string): Caller {
  return { accountId, arn: `arn:aws:iam::${accountId}:root`, userId: accountId, authorize: () => undefined };
}
