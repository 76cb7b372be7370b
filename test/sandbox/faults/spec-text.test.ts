import { describe, expect, it } from 'vitest';
import { faultHelp } from '../../../sandbox/cli/fault-help.js';
import { formatFaultSpec, newFaultInjection, parseFaultSpec } from '../../../sandbox/faults/index.js';
import { faultKinds, parametersOf } from '../../../sandbox/faults/fault.js';
import { kebabCase } from '../../../sandbox/faults/spec-text.js';
import { systemClock } from '../../../src/core/index.js';

describe('a fault as people type it', () => {
  it.each([
    ['s3:UploadPart=throttled,times=3', { operation: 's3:UploadPart', fault: { kind: 'throttled' }, times: 3 }],
    [
      's3:GetObject=slow,bytes-per-second=1MiB',
      { operation: 's3:GetObject', fault: { kind: 'slow', bytesPerSecond: 1024 ** 2 } },
    ],
    [
      '*=hang,when=after,ms=1.5s, skip=2',
      { operation: '*', fault: { kind: 'hang', when: 'after', ms: 1500 }, skip: 2 },
    ],
    [
      'ec2:*=late,ms=2min,probability=5%,seed=-7',
      { operation: 'ec2:*', fault: { kind: 'late', ms: 120_000 }, probability: 0.05, seed: -7 },
    ],
    [
      's3:PutObject=reset,where.key=a\\,b=\\*,where.part-number=3',
      { operation: 's3:PutObject', fault: { kind: 'reset' }, where: { key: 'a,b=\\*', partNumber: '3' } },
    ],
  ])('%s', (text, request) => {
    expect(parseFaultSpec(text)).toEqual(request);
    expect(parseFaultSpec(formatFaultSpec(parseFaultSpec(text)))).toEqual(request);
  });

  it.each([
    ['', '"" does not say which fault is meant.'],
    ['s3:PutObject', '"s3:PutObject" does not say which fault is meant.'],
    ['s3:PutObject=throttled,often', '"s3:PutObject=throttled,often" does not say which fault is meant.'],
    ['s3:PutObject=throtled', '"throtled" is not a kind of fault.'],
    ['s3:PutObject=throttled,times=often', 'times must be a whole number, not "often".'],
    ['s3:PutObject=throttled,times=3s', 'times must be a whole number, not "3s".'],
    ['s3:PutObject=throttled,time=3', 'The fault throttled has no parameter time.'],
    ['s3:GetObject=slow', 'The fault slow needs bytes-per-second.'],
    ['s3:GetObject=slow,bytes-per-second=fast', 'bytes-per-second must be a whole number of bytes, not "fast".'],
    ['ec2:CreateVolume=late,ms=-5', 'ms must not be negative, not -5.'],
  ])('%j is refused in one sentence', (text, message) => {
    expect(() => parseFaultSpec(text)).toThrow(expect.objectContaining({ code: 'usage', message }));
  });

  it('the help names every kind and every parameter, and its examples are faults', () => {
    const help = faultHelp('EXAMPLE');
    for (const kind of faultKinds) {
      expect(help).toMatch(new RegExp(`\\b${kind}\\b`));
      for (const name of parametersOf(kind)) expect(help).toContain(`${kebabCase(name)}=`);
    }
    const examples = Array.from(help.matchAll(/EXAMPLE '(.*)'/g), ([, spec = '']) => spec);
    expect(examples.length).toBeGreaterThan(2);
    for (const example of examples) expect(parseFaultSpec(example).operation).toMatch(/^(?:s3:\w+|\*)$/);
  });
});

describe('a fault in a message', () => {
  it('has its parameters spelled as they were given', () => {
    const { faults } = newFaultInjection([], { clock: systemClock });
    const add = (spelled?: (name: string) => string) => () => {
      faults.add({ operation: '*', fault: { kind: 'slow' } as never }, spelled);
    };
    expect(add()).toThrow('The fault slow needs bytesPerSecond.');
    expect(add(kebabCase)).toThrow('The fault slow needs bytes-per-second.');
  });
});
