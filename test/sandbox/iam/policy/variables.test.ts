import { describe, expect, it } from 'vitest';
import { applies, decide } from './support.js';

const home = 'arn:aws:s3:::bucket/home/${aws:username}/*';
const file = 'arn:aws:s3:::bucket/home/jane/file';
const jane = { 'aws:username': ['jane'], 'aws:PrincipalTag/team': ['red'], 'aws:userid': ['AIDAX:1'] };

describe('policy variables', () => {
  it('stand for what the request says, in resources and in text conditions', () => {
    expect(applies({ Resource: home }, { resource: file, context: jane })).toBe(true);
    expect(applies({ Resource: home }, { resource: file, context: { 'aws:username': ['joe'] } })).toBe(false);
    const tagged = (operator: string, wanted: string) => ({ Condition: { [operator]: { 'x:Key': wanted } } });
    const context = { ...jane, 'x:Key': ['red/AIDAX:1'] };
    expect(applies(tagged('StringEquals', '${aws:principaltag/team}/${aws:userid}'), { context })).toBe(true);
    expect(applies(tagged('StringLike', '${aws:PrincipalTag/team}/*'), { context })).toBe(true);
    expect(applies(tagged('StringEqualsIgnoreCase', '${aws:PrincipalTag/team}/aidax:1'), { context })).toBe(true);
    const arn = { ...jane, 'x:Key': ['arn:aws:iam::1:user/jane'] };
    expect(applies(tagged('ArnLike', 'arn:aws:iam::*:user/${aws:username}'), { context: arn })).toBe(true);
  });

  it('without a value, or with several, match nothing', () => {
    expect(applies({ Resource: home }, { resource: file })).toBe(false);
    expect(applies({ Resource: home }, { resource: file, context: { 'aws:username': ['jane', 'joe'] } })).toBe(false);
    expect(applies({ NotResource: home }, { resource: file })).toBe(true);
    const context = { 'x:Key': [''] };
    const unequal = { Condition: { StringNotEquals: { 'x:Key': '${aws:username}' } } };
    expect(applies(unequal, { context })).toBe(true);
    expect(applies({ Condition: { StringEquals: { 'x:Key': '${aws:username}' } } }, { context })).toBe(false);
  });

  it('may have a default value', () => {
    const Resource = "arn:aws:s3:::bucket/home/${aws:username, 'jane'}/*";
    expect(applies({ Resource }, { resource: file })).toBe(true);
    expect(applies({ Resource }, { resource: file, context: { 'aws:username': ['joe'] } })).toBe(false);
  });

  it('bring no wildcards', () => {
    const context = { 'aws:username': ['*'] };
    expect(applies({ Resource: home }, { resource: file, context })).toBe(false);
    expect(applies({ Resource: home }, { resource: 'arn:aws:s3:::bucket/home/*/file', context })).toBe(true);
  });

  it('write the characters that mean something else', () => {
    const Resource = 'arn:aws:s3:::bucket/${*}${?}${$}';
    expect(applies({ Resource }, { resource: 'arn:aws:s3:::bucket/*?$' })).toBe(true);
    expect(applies({ Resource }, { resource: 'arn:aws:s3:::bucket/abc' })).toBe(false);
  });

  it('are text in policies of the version before', () => {
    const old = (Version: object) =>
      JSON.stringify({ ...Version, Statement: { Effect: 'Allow', Action: '*', Resource: home } });
    for (const text of [old({ Version: '2008-10-17' }), old({})]) {
      expect(decide({ identity: [text] }, { resource: file, context: jane }).kind).toBe('implicit-deny');
      const literal = 'arn:aws:s3:::bucket/home/${aws:username}/file';
      expect(decide({ identity: [text] }, { resource: literal, context: jane }).kind).toBe('allowed');
    }
  });
});
