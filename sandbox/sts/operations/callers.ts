import type { Caller } from '../../server/caller.js';
import type { OperationContext } from './operation.js';

/** Whether a caller is the root of its account. */
export function isRoot({ arn }: Caller): boolean {
  return arn.endsWith(':root');
}

/** Whether a caller is a session of a role. */
export function isRoleSession({ arn }: Caller): boolean {
  return arn.includes(':assumed-role/');
}

/** Whether the key came from GetSessionToken; of STS it may call AssumeRole and GetCallerIdentity only. */
export function isUserSession({ caller, isSession }: OperationContext): boolean {
  return isSession && !isRoleSession(caller);
}

/** The name of the user that a caller is; undefined where it is none. */
export function userNameOf({ arn }: Caller): string | undefined {
  return /:user\/(.+)$/.exec(arn)?.[1];
}
