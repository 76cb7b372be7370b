import { z } from 'zod';
import { MalformedPolicy } from './malformed.js';
import { repeatedName } from './repeated-names.js';

/** What may be one value may be a list of them. */
function listOf<T extends z.ZodType>(one: T) {
  return z.preprocess(
    (value): unknown => (value === undefined || Array.isArray(value) ? (value as unknown) : [value]),
    z.array(one).min(1).readonly(),
  );
}

const conditionValue = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** Principal belongs to resource-based policies and Id too, so here they are as unknown as a misspelling. */
const statementElement = z.strictObject({
  Sid: z
    .string()
    .regex(/^[A-Za-z0-9]*$/, 'a Sid has letters and digits only')
    .optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: listOf(z.string()).optional(),
  NotAction: listOf(z.string()).optional(),
  Resource: listOf(z.string()).optional(),
  NotResource: listOf(z.string()).optional(),
  Condition: z.record(z.string(), z.record(z.string(), listOf(conditionValue))).optional(),
});

const policyElement = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17']).default('2008-10-17'),
  Statement: listOf(statementElement),
});

/** A statement as it is written, single values made lists. */
export type StatementElement = z.infer<typeof statementElement>;

/** A policy as it is written, single values made lists. */
export type PolicyElement = z.infer<typeof policyElement>;

/** What all policies of a role may have together, without white space (IAM User Guide, "IAM and AWS STS quotas"). */
const longestPolicy = 10_240;

/**
 * Reads the JSON of an identity-based policy by IAM's grammar (IAM User Guide, "Grammar of the IAM JSON policy
 * language"). Throws {@link MalformedPolicy} for whatever the grammar does not have.
 */
export function readPolicyElement(text: string): PolicyElement {
  const length = text.replace(/\s/g, '').length;
  if (length > longestPolicy)
    throw new MalformedPolicy('', `it has ${length} characters, and ${longestPolicy} at most fit.`);
  const value = parseJson(text);
  const repeated = repeatedName(text);
  if (repeated !== undefined)
    throw new MalformedPolicy('', `${JSON.stringify(repeated)} is there twice in one element.`);
  const read = policyElement.safeParse(value);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new MalformedPolicy(placeOf(issue?.path ?? []), `${issue?.message ?? 'unreadable'}.`, { cause: read.error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MalformedPolicy('', 'it is no JSON.', { cause });
  }
}

/** `Statement[0].Action[1]` */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}
