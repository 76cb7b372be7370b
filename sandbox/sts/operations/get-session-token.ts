import { accessDenied, notImplemented } from '../errors.js';
import { isRoot, userNameOf } from './callers.js';
import { credentials } from './credentials.js';
import { operation } from './operation.js';

const durationSeconds = { least: 900, most: 129_600, otherwise: 43_200 } as const;

/** GetSessionToken: a temporary key with the permissions of the user who calls. It needs no permission. */
export const getSessionToken = operation({
  parse: (parameters) => {
    parameters.refuse(['SerialNumber', 'TokenCode', 'MinimumSessionTokenSize']);
    return { lifetimeMs: parameters.whole('DurationSeconds', durationSeconds) * 1000 };
  },
  perform: ({ lifetimeMs }, { caller, isSession, identities }) => {
    if (isRoot(caller)) throw notImplemented('GetSessionToken for the root of an account');
    const user = isSession ? undefined : identities.user(userNameOf(caller) ?? '');
    if (user === undefined) throw accessDenied('Cannot call GetSessionToken with session credentials');
    return [credentials(user.issue({ lifetimeMs }))];
  },
});
