import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { AppError, callAws, type Clock, type RetryPolicy } from '../core/index.js';

/** Whose credentials these are. */
export interface Caller {
  /** `arn:aws:sts::123456789012:assumed-role/…` */
  readonly arn: string;
  readonly accountId: string;
}

/** How STS is asked. */
export interface CallerOptions {
  readonly clock: Clock;
  readonly retryPolicy: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
}

/** Asks STS whose credentials these are; nobody needs a permission for that. Throws the AWS failures of `callAws`. */
export async function callerIdentity(client: STSClient, options: CallerOptions): Promise<Caller> {
  const { Arn, Account } = await callAws(
    { action: 'sts:GetCallerIdentity', resource: 'these credentials' },
    (abortSignal) => client.send(new GetCallerIdentityCommand({}), { abortSignal }),
    { clock: options.clock, policy: options.retryPolicy, signal: options.signal },
  );
  if (Arn === undefined || Account === undefined) throw new AppError('rejected', 'STS did not say who the caller is.');
  return { arn: Arn, accountId: Account };
}
