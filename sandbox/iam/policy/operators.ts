import {
  arnLike,
  bool,
  date,
  ipAddress,
  numeric,
  stringEquals,
  stringEqualsIgnoreCase,
  stringLike,
  type Comparison,
} from './comparisons.js';

/** An operator of conditions, without its qualifier and its `IfExists`. */
export interface Operator {
  readonly compare: Comparison;
  /** Holds when no value matches, and when the key is missing. */
  readonly isNegated: boolean;
}

const when = (compare: Comparison): Operator => ({ compare, isNegated: false });
const unless = (compare: Comparison): Operator => ({ compare, isNegated: true });

const equal = (value: number, wanted: number): boolean => value === wanted;
const less = (value: number, wanted: number): boolean => value < wanted;
const lessOrEqual = (value: number, wanted: number): boolean => value <= wanted;
const greater = (value: number, wanted: number): boolean => value > wanted;
const greaterOrEqual = (value: number, wanted: number): boolean => value >= wanted;

/** IAM's operators but BinaryEquals (IAM User Guide, "IAM JSON policy elements: Condition operators"). */
export const operators: ReadonlyMap<string, Operator> = new Map([
  ['StringEquals', when(stringEquals)],
  ['StringNotEquals', unless(stringEquals)],
  ['StringEqualsIgnoreCase', when(stringEqualsIgnoreCase)],
  ['StringNotEqualsIgnoreCase', unless(stringEqualsIgnoreCase)],
  ['StringLike', when(stringLike)],
  ['StringNotLike', unless(stringLike)],
  ['NumericEquals', when(numeric(equal))],
  ['NumericNotEquals', unless(numeric(equal))],
  ['NumericLessThan', when(numeric(less))],
  ['NumericLessThanEquals', when(numeric(lessOrEqual))],
  ['NumericGreaterThan', when(numeric(greater))],
  ['NumericGreaterThanEquals', when(numeric(greaterOrEqual))],
  ['DateEquals', when(date(equal))],
  ['DateNotEquals', unless(date(equal))],
  ['DateLessThan', when(date(less))],
  ['DateLessThanEquals', when(date(lessOrEqual))],
  ['DateGreaterThan', when(date(greater))],
  ['DateGreaterThanEquals', when(date(greaterOrEqual))],
  ['Bool', when(bool)],
  ['IpAddress', when(ipAddress)],
  ['NotIpAddress', unless(ipAddress)],
  ['ArnEquals', when(arnLike)],
  ['ArnLike', when(arnLike)],
  ['ArnNotEquals', unless(arnLike)],
  ['ArnNotLike', unless(arnLike)],
]);
