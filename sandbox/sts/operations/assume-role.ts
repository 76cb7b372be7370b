import { MalformedPolicy, parsePolicy, type Policy } from '../../iam/index.js';
import { Refusal } from '../../server/refusal.js';
import { element } from '../../server/xml.js';
import { accessDenied, malformedPolicyDocument, validationError } from '../errors.js';
import type { Parameters } from '../parameters.js';
import { isRoleSession, isRoot } from './callers.js';
import { credentials } from './credentials.js';
import { operation } from './operation.js';

/** The limits of a role whose MaxSessionDuration is the longest that IAM allows: 12 hours. */
export const durationSeconds = { least: 900, most: 43_200, otherwise: 3_600 } as const;

/** Sessions that are begun by a session of a role last an hour at most. */
const longestChainedSeconds = 3_600;

interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly seconds: number;
  readonly externalId: string | undefined;
  readonly policyText: string | undefined;
}

/** AssumeRole: a session of a role, for whoever of the account may `sts:AssumeRole` by their own policies. */
export const assumeRole = operation<AssumeRoleRequest>({
  parse: (parameters: Parameters) => {
    parameters.refuse(['PolicyArns', 'Tags', 'TransitiveTagKeys', 'SerialNumber', 'TokenCode']);
    parameters.refuse(['SourceIdentity', 'ProvidedContexts', 'MinimumSessionTokenSize']);
    return {
      roleArn: parameters.required('RoleArn', { least: 20, most: 2_048 }),
      sessionName: parameters.required('RoleSessionName', { least: 2, most: 64, pattern: '[\\w+=,.@-]*' }),
      seconds: parameters.whole('DurationSeconds', durationSeconds),
      externalId: parameters.optional('ExternalId', { least: 2, most: 1_224, pattern: '[\\w+=,.@:\\/-]*' }),
      policyText: parameters.optional('Policy', { least: 1, most: 2_048 }),
    };
  },
  perform: ({ roleArn, sessionName, seconds, externalId, policyText }, { caller, identities, region }) => {
    if (isRoot(caller)) throw accessDenied('Roles may not be assumed by root accounts.');
    const roleName = roleNameOf(roleArn);
    const narrowed = optionalSessionPolicy(policyText);
    caller.authorize({
      action: 'sts:AssumeRole',
      resource: roleArn,
      context: {
        'aws:RequestedRegion': [region],
        'sts:RoleSessionName': [sessionName],
        ...(externalId === undefined ? {} : { 'sts:ExternalId': [externalId] }),
      },
    });
    const role = identities.role(roleName);
    if (role?.arn !== roleArn) {
      const message = `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
      throw new Refusal('access-denied', message);
    }
    if (isRoleSession(caller) && seconds > longestChainedSeconds) {
      const reason = 'exceeds the 1 hour session limit for roles assumed by role chaining.';
      throw validationError(`The requested DurationSeconds ${reason}`);
    }
    const key = role.issue({ sessionName, lifetimeMs: seconds * 1000, ...narrowed });
    return [
      credentials(key),
      element('AssumedRoleUser', [
        element('AssumedRoleId', `${role.id}:${sessionName}`),
        element('Arn', `arn:aws:sts::${identities.accountId}:assumed-role/${role.name}/${sessionName}`),
      ]),
    ];
  },
});

/** The name in the ARN of a role. Throws `ValidationError`. */
export function roleNameOf(roleArn: string): string {
  const [, name] = /^arn:aws:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*([\w+=,.@-]{1,64})$/.exec(roleArn) ?? [];
  if (name === undefined) throw validationError(`${roleArn} is invalid`);
  return name;
}

/** The policy that narrows a session, where there is one. Throws `MalformedPolicyDocument`. */
export function optionalSessionPolicy(text: string | undefined): { readonly sessionPolicy?: Policy } {
  if (text === undefined) return {};
  try {
    return { sessionPolicy: parsePolicy(text) };
  } catch (error) {
    if (error instanceof MalformedPolicy) throw malformedPolicyDocument(error.message);
    throw error;
  }
}
