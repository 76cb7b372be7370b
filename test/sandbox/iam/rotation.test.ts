import { describe, expect, it } from 'vitest';
import { rotatingKeys } from '../../../sandbox/iam/index.js';
import { testIdentities } from './support.js';

const minute = 60_000;

describe('the keys of an instance', () => {
  it('stay until it is time for the next, and end at their own end', async () => {
    const { identities, clock, pass } = await testIdentities();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [] });
    const times = { lifetimeMs: 360 * minute, renewBeforeMs: 60 * minute };
    const keys = rotatingKeys({ role, sessionName: 'i-1', clock, ...times });
    const first = keys.current();
    pass(300 * minute - 1);
    expect(keys.current()).toEqual(first);
    pass(1);
    const second = keys.current();
    expect(second.accessKeyId).not.toBe(first.accessKeyId);
    expect(second).toMatchObject({ issuedAtMs: clock.now(), expiresAtMs: clock.now() + 360 * minute });
    expect(keys.current()).toEqual(second);
    for (const { accessKeyId, expiresAtMs } of [first, second]) {
      expect(identities.find(accessKeyId)).toMatchObject({
        expiresAtMs,
        caller: { arn: expect.stringMatching(/\/i-1$/) },
      });
    }
  });

  it('may live for seconds', async () => {
    const { identities, clock, pass } = await testIdentities();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [] });
    const keys = rotatingKeys({ role, sessionName: 'i-1', clock, lifetimeMs: 2_000, renewBeforeMs: 500 });
    const seen = new Set<string>();
    for (let count = 0; count < 6; count += 1) {
      const key = keys.current();
      expect(key.expiresAtMs - clock.now()).toBeGreaterThan(500);
      seen.add(key.accessKeyId);
      pass(750);
    }
    expect(seen.size).toBe(3);
  });

  it('are refused where they would be renewed after their end', async () => {
    const { identities, clock } = await testIdentities();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [] });
    const options = { role, sessionName: 'i-1', clock, lifetimeMs: 1_000, renewBeforeMs: 1_000 };
    expect(() => rotatingKeys(options)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
