import { parseFlag, type Test } from './comparisons.js';
import type { RequestContext } from './context.js';
import { MalformedPolicy } from './malformed.js';
import { operators } from './operators.js';

/** One key of a Condition element under one operator. */
export type Condition = (context: RequestContext) => boolean;

/** A line of a Condition element as it is written. */
export interface ConditionLine {
  /** `StringEquals`, `ForAllValues:StringLike`, `DateLessThanIfExists` */
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
  /** Where it stands in the policy, for errors. */
  readonly place: string;
  /** Whether `${…}` is a variable. */
  readonly variables: boolean;
}

type Qualifier = 'ForAllValues' | 'ForAnyValue';

/** Reads one line of a Condition element. Throws {@link MalformedPolicy} for an operator, key or value that is none. */
export function parseCondition(line: ConditionLine): Condition {
  const { operator: name, key, values, place } = line;
  if (!/^[\w-]+:\S/.test(key)) throw new MalformedPolicy(place, `${JSON.stringify(key)} is no condition key.`);
  if (name === 'Null') return isMissing(key, { values, place });
  const [, qualifier, base = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const operator = operators.get(base);
  if (operator === undefined) throw new MalformedPolicy(place, `the sandbox knows no condition operator ${name}.`);
  const { compare, isNegated } = operator;
  const tests = values.map((value) => compare(value, line));
  const holds = (value: string, context: RequestContext): boolean =>
    tests.some((test: Test) => test(value, context)) !== isNegated;
  if (qualifier !== undefined) return ofSet(qualifier as Qualifier, { key, holds });
  return (context) => {
    const [value, ...others] = context.valuesOf(key);
    if (value === undefined) return isNegated || ifExists !== undefined;
    // Several values need a qualifier (IAM User Guide, "Single-valued vs. multivalued context keys").
    return others.length === 0 && holds(value, context);
  };
}

/** Null: true where the key must be missing, false where it must be there. */
function isMissing(key: string, { values, place }: Pick<ConditionLine, 'values' | 'place'>): Condition {
  const wanted = values.map((value) => parseFlag(value, place));
  return (context) => wanted.includes(context.valuesOf(key).length === 0);
}

/**
 * Of no values at all ForAllValues is true and ForAnyValue is false, with IfExists and without; the empty string counts
 * as no value (IAM User Guide, "Set operators for multivalued context keys").
 */
function ofSet(
  qualifier: Qualifier,
  { key, holds }: { readonly key: string; readonly holds: (value: string, context: RequestContext) => boolean },
): Condition {
  return (context) => {
    const values = context.valuesOf(key).filter((value) => value !== '');
    return qualifier === 'ForAllValues'
      ? values.every((value) => holds(value, context))
      : values.some((value) => holds(value, context));
  };
}
