import { describe, expect, it } from 'vitest';
import { MalformedPolicy, parsePolicy } from '../../../../sandbox/iam/policy/index.js';
import { allow, policyText, type Elements } from './support.js';

describe('what is no policy is refused, with its place', () => {
  const statements: readonly (readonly [elements: Elements, message: string])[] = [
    [{ Efect: 'Allow' }, 'at Statement[0]: Unrecognized key: "Efect"'],
    [{ Principal: '*' }, 'at Statement[0]: Unrecognized key: "Principal"'],
    [{ Effect: 'allow' }, 'at Statement[0].Effect: '],
    [{ Sid: 'a b' }, 'at Statement[0].Sid: a Sid has letters and digits only'],
    [{ Action: [] }, 'at Statement[0].Action: '],
    [{ Action: ['s3:*', 5] }, 'at Statement[0].Action[1]: '],
    [{ Action: 's3' }, 'at Statement[0].Action: "s3" is no action.'],
    [{ Action: 's*:GetObject' }, 'at Statement[0].Action: "s*:GetObject" is no action.'],
    [{ Action: '*', NotAction: '*' }, 'at Statement[0]: it needs either Action or NotAction.'],
    [{ Resource: '*', NotResource: '*' }, 'at Statement[0]: it needs either Resource or NotResource.'],
    [{ Resource: 'bucket' }, 'at Statement[0].Resource: "bucket" is no ARN'],
    [{ NotResource: 'arn:aws:s3:bucket' }, 'at Statement[0].NotResource: "arn:aws:s3:bucket" is no ARN'],
    [{ Resource: 'arn:aws:s3::${aws:username}:x' }, 'has a variable before its fifth colon.'],
    [{ Resource: 'arn:aws:s3:::${username}' }, '${username} is no policy variable.'],
    [{ Condition: { StringEqual: { 'a:b': 'c' } } }, 'at Statement[0].Condition.StringEqual: the sandbox knows no'],
    [{ Condition: { NullIfExists: { 'a:b': 'true' } } }, 'knows no condition operator NullIfExists.'],
    [{ Condition: { 'ForAny:Bool': { 'a:b': 'true' } } }, 'knows no condition operator ForAny:Bool.'],
    [{ Condition: { BinaryEquals: { 'a:b': 'QQ==' } } }, 'knows no condition operator BinaryEquals.'],
    [{ Condition: { Bool: { prefix: 'true' } } }, 'at Statement[0].Condition.Bool: "prefix" is no condition key.'],
    [{ Condition: { Bool: { 'a:b': 'yes' } } }, '"yes" is neither true nor false.'],
    [{ Condition: { Null: { 'a:b': 'yes' } } }, '"yes" is neither true nor false.'],
    [{ Condition: { NumericEquals: { 'a:b': 'ten' } } }, '"ten" is no number.'],
    [{ Condition: { DateEquals: { 'a:b': 'tomorrow' } } }, '"tomorrow" is no date.'],
    [{ Condition: { DateEquals: { 'a:b': '2026-13-01' } } }, '"2026-13-01" is no date.'],
    [{ Condition: { IpAddress: { 'a:b': '10.0.0.0/33' } } }, '"10.0.0.0/33" is no range of IP addresses.'],
    [{ Condition: { ArnLike: { 'a:b': 'role/x' } } }, 'at Statement[0].Condition.ArnLike: "role/x" is no ARN'],
    [{ Condition: { StringEquals: { 'a:b': { c: 'd' } } } }, 'at Statement[0].Condition.StringEquals.a:b[0]: '],
  ];

  it.each(statements)('%j', (elements, message) => {
    const parse = () => parsePolicy(policyText(allow(elements)));
    expect(parse).toThrow(MalformedPolicy);
    expect(parse).toThrow(message);
  });

  const statement = { Effect: 'Allow', Action: '*', Resource: '*' };
  const texts: readonly (readonly [text: string, message: string])[] = [
    ['{', 'The policy is malformed: it is no JSON.'],
    ['[]', 'The policy is malformed: Invalid input'],
    ['{"Version":"2012-10-17"}', 'at Statement: '],
    ['{"Version":"2012-10-17","Statement":[]}', 'at Statement: '],
    [JSON.stringify({ Version: '2012-10-18', Statement: statement }), 'at Version: '],
    [JSON.stringify({ Id: 'x', Statement: statement }), 'Unrecognized key: "Id"'],
    [
      JSON.stringify({
        Statement: [
          { ...statement, Sid: 'A' },
          { ...statement, Sid: 'A' },
        ],
      }),
      'have the Sid A.',
    ],
    ['{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}', '"Effect" is there twice'],
    [JSON.stringify({ Statement: { ...statement, Action: 'a:b'.repeat(4000) } }), 'and 10240 at most fit.'],
  ];

  it.each(texts)('%.80s', (text, message) => {
    expect(() => parsePolicy(text)).toThrow(MalformedPolicy);
    expect(() => parsePolicy(text)).toThrow(message);
  });

  it('takes the same name in different elements, and text that looks like a name', () => {
    const text = policyText(
      allow({ Sid: 'One', Condition: { StringLike: { 'a:b': '"Effect": {' }, StringEquals: { 'a:b': ['x', 'x'] } } }),
      allow({ Sid: 'Two' }),
    );
    expect(parsePolicy(text).statements).toHaveLength(2);
  });
});
