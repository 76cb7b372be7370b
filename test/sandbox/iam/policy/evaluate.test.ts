import { describe, expect, it } from 'vitest';
import { decide, policyText, applies, allow, type Elements, type Question } from './support.js';

const bucket = 'arn:aws:s3:::bucket';
const key = `${bucket}/vol-1/2026-01-01T00:00:00+00:00 snap-1.tar.lz4`;
const volume = 'arn:aws:ec2:us-east-1:123456789012:volume/vol-1';

type Row = readonly [what: string, elements: Elements, question: Question, applies: boolean];

describe('which accesses a statement applies to', () => {
  const rows: readonly Row[] = [
    ['an action by name', { Action: 's3:GetObject' }, { action: 's3:GetObject' }, true],
    ['another action', { Action: 's3:GetObject' }, { action: 's3:PutObject' }, false],
    ['an action that goes on', { Action: 's3:GetObject' }, { action: 's3:GetObjectTagging' }, false],
    ['an action in another case', { Action: 'S3:getobject' }, { action: 's3:GetObject' }, true],
    ['actions with *', { Action: 's3:Get*' }, { action: 's3:GetObjectTagging' }, true],
    ['actions with ?', { Action: 's3:?etObject' }, { action: 's3:GetObject' }, true],
    ['actions of a service', { Action: 's3:*' }, { action: 'ec2:CreateTags' }, false],
    ['one of several actions', { Action: ['s3:PutObject', 's3:GetObject'] }, { action: 's3:GetObject' }, true],
    ['all but an action: another one', { NotAction: 's3:Put*' }, { action: 's3:GetObject' }, true],
    ['all but an action: that one', { NotAction: 's3:Put*' }, { action: 's3:PutObject' }, false],
    ['a resource by name', { Resource: bucket }, { resource: bucket }, true],
    ['a resource in another case', { Resource: 'arn:aws:s3:::Bucket' }, { resource: bucket }, false],
    ['a bucket is not its objects', { Resource: bucket }, { resource: key }, false],
    ['objects are not their bucket', { Resource: `${bucket}/*` }, { resource: bucket }, false],
    ['* passes slashes and colons of a key', { Resource: `${bucket}/vol-1/*.lz4` }, { resource: key }, true],
    ['? is exactly one character', { Resource: `${bucket}?` }, { resource: bucket }, false],
    ['a star may stand for nothing', { Resource: `${bucket}*` }, { resource: bucket }, true],
    ['sections with *', { Resource: 'arn:aws:ec2:*:*:volume/*' }, { resource: volume }, true],
    ['an empty section is empty', { Resource: 'arn:aws:ec2:*::snapshot/*' }, { resource: volume }, false],
    ['* in a section', { Resource: 'arn:aws:ec2:us-*-1:*:volume/*' }, { resource: volume }, true],
    [
      '* inside a section does not pass its colon',
      { Resource: 'arn:aws:ec2:*t-1:volume/vol-1:x' },
      { resource: 'arn:aws:ec2:us-east-1:1:us-east-1:volume/vol-1:x' },
      false,
    ],
    [
      '* that ends a section passes its colon',
      { Resource: 'arn:aws:ec2:*:1:volume/vol-1' },
      { resource: 'arn:aws:ec2:us-east-1:x:1:volume/vol-1' },
      true,
    ],
    ['? is one character of any alphabet', { Resource: `${bucket}/?` }, { resource: `${bucket}/\u{1f4be}` }, true],
    ['all but a resource: another one', { NotResource: `${bucket}/*` }, { resource: bucket }, true],
    ['all but a resource: that one', { NotResource: `${bucket}/*` }, { resource: key }, false],
    ['no resource is * only', { Resource: volume }, { action: 'ec2:DescribeVolumes', resource: '*' }, false],
    ['no resource is *', { Resource: '*' }, { action: 'ec2:DescribeVolumes', resource: '*' }, true],
    ['all buckets', { Resource: 'arn:aws:s3:::*' }, { action: 's3:ListAllMyBuckets', resource: '*' }, true],
    ['all buckets by a name', { Resource: bucket }, { action: 's3:ListAllMyBuckets', resource: '*' }, false],
  ];

  it.each(rows)('%s', (_what, elements, question, expected) => {
    expect(applies(elements, question)).toBe(expected);
  });

  it('takes no longer for many stars than for the length of both', () => {
    const Resource = `arn:aws:s3:::${'a*'.repeat(500)}b`;
    expect(applies({ Resource }, { resource: `arn:aws:s3:::${'a'.repeat(1024)}` })).toBe(false);
  });
});

describe('the decision', () => {
  const reading = policyText(allow({ Action: 's3:Get*' }));
  const everything = policyText(allow());
  const noReading = policyText({ Effect: 'Deny', Action: 's3:GetObject', Resource: '*' });
  const allowed = { kind: 'allowed' };

  it('is a denial where nothing is said', () => {
    expect(decide({ identity: [] }, {})).toEqual({ kind: 'implicit-deny', by: 'identity-based' });
    expect(decide({ identity: [reading] }, { action: 's3:PutObject' })).toMatchObject({ kind: 'implicit-deny' });
  });

  it('is an allowance where one statement of one policy allows', () => {
    expect(decide({ identity: [policyText(allow({ Action: 'ec2:*' })), reading] }, {})).toEqual(allowed);
  });

  it('is a denial where a Deny applies, whatever allows', () => {
    const explicit = { kind: 'explicit-deny', by: 'identity-based' };
    expect(decide({ identity: [everything, noReading] }, {})).toEqual(explicit);
    expect(decide({ identity: [noReading, everything] }, {})).toEqual(explicit);
    expect(decide({ identity: [everything, noReading] }, { action: 's3:PutObject' })).toEqual(allowed);
  });

  it('of a session is what both sides allow', () => {
    const writing = policyText(allow({ Action: 's3:Put*' }));
    expect(decide({ identity: [everything], session: [reading] }, {})).toEqual(allowed);
    expect(decide({ identity: [reading], session: [everything] }, {})).toEqual(allowed);
    const implicit = (by: string) => ({ kind: 'implicit-deny', by });
    expect(decide({ identity: [everything], session: [writing] }, {})).toEqual(implicit('session'));
    expect(decide({ identity: [writing], session: [everything] }, {})).toEqual(implicit('identity-based'));
    expect(decide({ identity: [everything], session: [] }, {})).toEqual(implicit('session'));
    expect(decide({ identity: [everything], session: [everything, noReading] }, {})).toEqual({
      kind: 'explicit-deny',
      by: 'session',
    });
  });
});
