import type { Access } from '../../server/caller.js';
import { parseArnPattern, type ArnPattern } from './arn.js';
import { parseCondition } from './condition.js';
import type { RequestContext } from './context.js';
import type { StatementElement } from './grammar.js';
import { MalformedPolicy } from './malformed.js';
import { matchesPattern, parseWildcards, type Pattern } from './wildcard.js';

/** What a statement says of the accesses that it applies to. */
export type Effect = 'Allow' | 'Deny';

/** One statement of a policy. */
export interface Statement {
  readonly effect: Effect;
  /** Whether action, resource and all conditions are the statement's. */
  appliesTo(access: Access, context: RequestContext): boolean;
}

/** How a statement is read. */
export interface StatementOptions {
  /** Where it stands in the policy, for errors: `Statement[0]`. */
  readonly place: string;
  /** Whether `${…}` is a variable: only in policies of version 2012-10-17. */
  readonly variables: boolean;
}

type Matcher = (access: Access, context: RequestContext) => boolean;

/** Reads a statement whose elements are known. Throws {@link MalformedPolicy} for what stands in them. */
export function parseStatement(element: StatementElement, options: StatementOptions): Statement {
  const matchers: readonly Matcher[] = [
    actionMatcher(element, options),
    resourceMatcher(element, options),
    ...conditionMatchers(element, options),
  ];
  return {
    effect: element.Effect,
    appliesTo: (access, context) => matchers.every((matches) => matches(access, context)),
  };
}

function actionMatcher(element: StatementElement, options: StatementOptions): Matcher {
  const { values, place, isNegated } = oneOf(element, 'Action', options);
  const patterns = values.map((value) => parseAction(value, place));
  return ({ action }) => patterns.some((pattern) => matchesPattern(pattern, action.toLowerCase())) !== isNegated;
}

/** `*`, or a service without wildcards and an action with or without them; not case-sensitive. */
function parseAction(text: string, place: string): Pattern {
  if (text !== '*' && !/^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(text)) {
    throw new MalformedPolicy(place, `${JSON.stringify(text)} is no action.`);
  }
  return parseWildcards(text.toLowerCase());
}

function resourceMatcher(element: StatementElement, options: StatementOptions): Matcher {
  const { values, place, isNegated } = oneOf(element, 'Resource', options);
  const patterns = values.map((value): ArnPattern => {
    if (value === '*') return { matches: () => true };
    return parseArnPattern(value, { place, variables: options.variables, passesColons: true });
  });
  return (access, context) => {
    const arn = arnOf(access);
    return patterns.some((pattern) => pattern.matches(arn, context)) !== isNegated;
  };
}

/** Listing all buckets is allowed on `arn:aws:s3:::*` as well (IAM User Guide, its examples); other services want `*`. */
function arnOf({ action, resource }: Access): string {
  return resource === '*' && /^s3:/i.test(action) ? 'arn:aws:s3:::*' : resource;
}

function conditionMatchers({ Condition }: StatementElement, options: StatementOptions): readonly Matcher[] {
  return Object.entries(Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]): Matcher => {
      const place = `${options.place}.Condition.${operator}`;
      const condition = parseCondition({ operator, key, values, place, variables: options.variables });
      return (_access, context) => condition(context);
    }),
  );
}

/** The one of two elements that a statement has. Throws {@link MalformedPolicy} for both and for none. */
function oneOf(
  element: StatementElement,
  name: 'Action' | 'Resource',
  { place }: StatementOptions,
): { readonly values: readonly string[]; readonly place: string; readonly isNegated: boolean } {
  const positive = element[name];
  const negated = element[`Not${name}`];
  const values = positive ?? negated;
  if (values === undefined || (positive !== undefined && negated !== undefined)) {
    throw new MalformedPolicy(place, `it needs either ${name} or Not${name}.`);
  }
  const isNegated = positive === undefined;
  return { values, place: `${place}.${isNegated ? 'Not' : ''}${name}`, isNegated };
}
