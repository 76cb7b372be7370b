import { element } from '../../server/xml.js';
import { accessDenied } from '../errors.js';
import { verifyToken } from '../web-identity-token.js';
import { credentials } from './credentials.js';
import { durationSeconds, optionalSessionPolicy, roleNameOf } from './assume-role.js';
import { operation } from './operation.js';

/** AssumeRoleWithWebIdentity: a session of a role, for who has a token of a provider of the account. Nobody signs it. */
export const assumeRoleWithWebIdentity = operation({
  parse: (parameters) => {
    parameters.refuse(['PolicyArns', 'ProviderId']);
    return {
      roleArn: parameters.required('RoleArn', { least: 20, most: 2_048 }),
      sessionName: parameters.required('RoleSessionName', { least: 2, most: 64, pattern: '[\\w+=,.@-]*' }),
      token: parameters.required('WebIdentityToken', { least: 4, most: 20_000 }),
      seconds: parameters.whole('DurationSeconds', durationSeconds),
      policyText: parameters.optional('Policy', { least: 1, most: 2_048 }),
    };
  },
  perform: ({ roleArn, sessionName, token, seconds, policyText }, { identities, identityProviders, clock }) => {
    const roleName = roleNameOf(roleArn);
    const narrowed = optionalSessionPolicy(policyText);
    const { provider, subject, audience } = verifyToken(token, { providers: identityProviders, nowMs: clock.now() });
    const role = identities.role(roleName);
    if (role?.arn !== roleArn) throw accessDenied('Not authorized to perform sts:AssumeRoleWithWebIdentity');
    const lifetimeMs = provider.sessionMs ?? seconds * 1_000;
    return [
      credentials(role.issue({ sessionName, lifetimeMs, ...narrowed })),
      element('SubjectFromWebIdentityToken', subject),
      element('AssumedRoleUser', [
        element('AssumedRoleId', `${role.id}:${sessionName}`),
        element('Arn', `arn:aws:sts::${identities.accountId}:assumed-role/${role.name}/${sessionName}`),
      ]),
      element(
        'Provider',
        `arn:aws:iam::${identities.accountId}:oidc-provider/${provider.issuer.replace(/^https:\/\//, '')}`,
      ),
      element('Audience', audience),
    ];
  },
});
