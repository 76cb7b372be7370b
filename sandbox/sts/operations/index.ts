import { assumeRole } from './assume-role.js';
import { assumeRoleWithWebIdentity } from './assume-role-with-web-identity.js';
import { getAccessKeyInfo } from './get-access-key-info.js';
import { getCallerIdentity } from './get-caller-identity.js';
import { getSessionToken } from './get-session-token.js';
import type { Operation } from './operation.js';

export type { OperationContext } from './operation.js';

/** Every action that the sandbox knows. Any other is answered with the error `NotImplemented`. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['AssumeRole', assumeRole],
  ['AssumeRoleWithWebIdentity', assumeRoleWithWebIdentity],
  ['GetAccessKeyInfo', getAccessKeyInfo],
  ['GetCallerIdentity', getCallerIdentity],
  ['GetSessionToken', getSessionToken],
]);

/** Their callers prove who they are by other means than keys. */
export const unsignedOperations: ReadonlySet<string> = new Set(['AssumeRoleWithWebIdentity']);
