import { evaluate, parsePolicy, requestContext, type PolicySet } from '../../../../sandbox/iam/policy/index.js';

/** What a statement has besides the elements that a test is about. */
export type Elements = Readonly<Record<string, unknown>>;

/** The JSON of a policy of version 2012-10-17. */
export function policyText(...statements: readonly Elements[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

/** A statement that allows everything, but for what a test says otherwise. */
export function allow(elements: Elements = {}): Elements {
  const { Action, NotAction, Resource, NotResource } = elements;
  return {
    Effect: 'Allow',
    ...(Action === undefined && NotAction === undefined ? { Action: '*' } : {}),
    ...(Resource === undefined && NotResource === undefined ? { Resource: '*' } : {}),
    ...elements,
  };
}

/** What is asked of an engine: an access, with or without more that the request tells. */
export interface Question {
  readonly action?: string;
  readonly resource?: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** What the policies, of one identity and perhaps of a session, say: `allowed`, `implicit-deny` and so on. */
export function decide(
  policies: { readonly identity: readonly string[]; readonly session?: readonly string[] },
  { action = 's3:GetObject', resource = 'arn:aws:s3:::bucket/key', context = {} }: Question,
) {
  const set: PolicySet = {
    identityBased: policies.identity.map((text) => parsePolicy(text)),
    session: policies.session?.map((text) => parsePolicy(text)),
  };
  return evaluate({ action, resource }, { policies: set, context: requestContext(context) });
}

/** Whether one statement, in a policy of its own, applies to an access. */
export function applies(elements: Elements, question: Question): boolean {
  return decide({ identity: [policyText(allow(elements))] }, question).kind === 'allowed';
}
