import { describe, expect, it } from 'vitest';
import { applies } from './support.js';

type Values = string | readonly string[];
type Row = readonly [operator: string, wanted: unknown, has: Values | undefined, holds: boolean];

const listed = (values: Values): readonly string[] => (typeof values === 'string' ? [values] : values);

describe('condition operators', () => {
  const rows: readonly Row[] = [
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', '', '', true],
    ['StringEquals', 'a', undefined, false],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringNotEquals', 'a', undefined, true],
    ['StringEqualsIgnoreCase', 'Abc', 'aBC', true],
    ['StringNotEqualsIgnoreCase', 'Abc', 'aBC', false],
    ['StringLike', 'a?c*', 'abcde', true],
    ['StringLike', 'a?c*', 'ABCDE', false],
    ['StringLike', '*', undefined, false],
    ['StringNotLike', 'a*', 'abc', false],
    ['StringNotLike', 'a*', 'bc', true],
    ['NumericEquals', 10, '10.0', true],
    ['NumericNotEquals', '10', '10', false],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericGreaterThan', '10', '100', true],
    ['NumericGreaterThanEquals', '10', '9.5', false],
    ['NumericLessThan', '10', 'nine', false],
    ['DateEquals', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', true],
    ['DateNotEquals', '2026-01-01', '2026-01-01T00:00:00Z', false],
    ['DateLessThan', '2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z', true],
    ['DateLessThan', '1767225600', '2025-12-31T23:59:59Z', true],
    ['DateLessThanEquals', '2026', '2026-01-01T00:00:00Z', true],
    ['DateGreaterThan', '2026-01-01T00:00:00Z', '1767225601', true],
    ['DateGreaterThanEquals', '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z', false],
    ['Bool', 'true', 'true', true],
    ['Bool', false, 'false', true],
    ['Bool', 'true', 'false', false],
    ['Bool', 'false', undefined, false],
    ['IpAddress', '127.0.0.0/8', '127.0.0.1', true],
    ['IpAddress', '127.0.0.1', '127.0.0.2', false],
    ['IpAddress', ['10.0.0.0/8', '2001:db8::/32'], '2001:db8::1', true],
    ['NotIpAddress', '127.0.0.0/8', '127.0.0.1', false],
    ['NotIpAddress', '10.0.0.0/8', '127.0.0.1', true],
    ['ArnEquals', 'arn:aws:iam::*:role/snap-*', 'arn:aws:iam::1:role/snap-to-s3', true],
    ['ArnLike', 'arn:aws:a:*:1:b/*', 'arn:aws:a:us-east-2:9:store/abc:1:b/c', false],
    ['StringLike', 'arn:aws:a:*:1:b/*', 'arn:aws:a:us-east-2:9:store/abc:1:b/c', true],
    ['ArnNotEquals', 'arn:aws:iam::1:role/*', 'arn:aws:iam::2:role/x', true],
    ['ArnNotLike', 'arn:aws:iam::1:role/*', 'arn:aws:iam::1:role/x', false],
    ['Null', 'true', undefined, true],
    ['Null', true, 'x', false],
    ['Null', 'false', 'x', true],
    ['Null', 'false', undefined, false],
    ['Null', 'true', [], true],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringNotEqualsIfExists', 'a', undefined, true],
    ['BoolIfExists', 'true', undefined, true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b', 'a'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', ['a', 'b'], undefined, true],
    ['ForAllValues:StringEquals', ['a', 'b'], '', true],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'd'], true],
    ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'a'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'd'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], undefined, false],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], ['c', 'a'], true],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], ['b', 'a'], false],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], undefined, false],
    ['ForAnyValue:StringLikeIfExists', 'a*', undefined, false],
    ['StringEquals', 'a', ['a', 'b'], false],
    ['StringNotEquals', 'a', ['b', 'c'], false],
  ];

  it.each(rows)('%s %j holds for %j: %s', (operator, wanted, has, holds) => {
    const context = has === undefined ? {} : { 'x:Key': listed(has) };
    expect(applies({ Condition: { [operator]: { 'x:Key': wanted } } }, { context })).toBe(holds);
  });

  it('need all keys and all operators, and know keys in any case', () => {
    const Condition = { StringEquals: { 'x:One': '1', 'x:Two': '2' }, Bool: { 'x:Flag': 'true' } };
    const context = { 'X:one': ['1'], 'x:TWO': ['2'], 'x:flag': ['true'] };
    expect(applies({ Condition }, { context })).toBe(true);
    expect(applies({ Condition }, { context: { ...context, 'x:TWO': ['3'] } })).toBe(false);
    expect(applies({ Condition }, { context: { ...context, 'x:flag': ['false'] } })).toBe(false);
  });
});
