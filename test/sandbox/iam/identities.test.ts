import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { administrator, parsePolicy } from '../../../sandbox/iam/index.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import { allowing, reading, refusalOf, testIdentities } from './support.js';

const hour = 3_600_000;
const day = 24 * hour;

describe('who there is in an account', () => {
  it('is the administrator, always, who may do everything', async () => {
    const { identities } = await testIdentities();
    const found = identities.find(administrator.accessKeyId);
    expect(found).toMatchObject({
      secretAccessKey: administrator.secretAccessKey,
      sessionToken: undefined,
      expiresAtMs: undefined,
      caller: { accountId: '123456789012', arn: 'arn:aws:iam::123456789012:user/administrator' },
    });
    expect(found?.caller.userId).toMatch(/^AIDA[A-Z0-9]{17}$/);
    expect(refusalOf(found?.caller, { action: 'iam:DeleteAccount', resource: '*' })).toBeUndefined();
    expect(identities.find('AKIANOBODY0000000000')).toBeUndefined();
  });

  it('is whoever was added, with a key that is kept', async () => {
    const { identities, reopen } = await testIdentities();
    const jane = identities.addUser({ name: 'jane', policies: [allowing('s3:Get*')] });
    expect(jane.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(refusalOf(identities.find(jane.accessKeyId)?.caller, reading)).toBeUndefined();
    const again = reopen();
    expect(again.find(jane.accessKeyId)).toBeUndefined();
    const sameJane = again.addUser({ name: 'jane', policies: [] });
    expect([sameJane.accessKeyId, sameJane.secretAccessKey]).toEqual([jane.accessKeyId, jane.secretAccessKey]);
    const userIds = [identities, again].map((one) => one.find(jane.accessKeyId)?.caller.userId);
    expect(new Set(userIds).size).toBe(1);
    expect(refusalOf(again.find(jane.accessKeyId)?.caller, reading)).toContain(
      'because no identity-based policy allows',
    );
  });

  it('is nobody twice, and nobody without a proper name', async () => {
    const { identities } = await testIdentities();
    identities.addUser({ name: 'jane', policies: [] });
    identities.addRole({ name: 'jane', policies: [] });
    for (const name of ['jane', 'administrator', '', 'a/b', 'x'.repeat(65)]) {
      expect(() => identities.addUser({ name, policies: [] }), name).toThrow(
        expect.objectContaining({ code: 'usage' }),
      );
    }
    expect(() => identities.addRole({ name: 'jane', policies: [] })).toThrow('a user or role jane already');
  });

  it('is in a file that only its owner reads, and that is refused when it is not ours', async () => {
    const { directory, identities, reopen } = await testIdentities();
    identities.addUser({ name: 'jane', policies: [] });
    expect(await readdir(directory)).toEqual(['identities.json']);
    expect((await stat(join(directory, 'identities.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    await writeFile(join(directory, 'identities.json'), '{"version":2}');
    expect(reopen).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('a role', () => {
  it('issues keys of sessions, which bear its name and their own', async () => {
    const { clock, identities } = await testIdentities();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [allowing('s3:*')] });
    const key = role.issue({ sessionName: 'i-0123456789abcdef0', lifetimeMs: 6 * hour });
    expect(key).toMatchObject({ issuedAtMs: clock.now(), expiresAtMs: clock.now() + 6 * hour });
    expect(key.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    const found = identities.find(key.accessKeyId);
    expect(found).toMatchObject({
      secretAccessKey: key.secretAccessKey,
      sessionToken: key.sessionToken,
      expiresAtMs: key.expiresAtMs,
      caller: {
        accountId: '123456789012',
        arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/i-0123456789abcdef0',
        userId: `${role.id}:i-0123456789abcdef0`,
      },
    });
    expect(role.id).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(refusalOf(found?.caller, reading)).toBeUndefined();
  });

  it('has its current policies count for sessions that run', async () => {
    const { identities } = await testIdentities();
    const role = identities.addRole({ name: 'role', policies: [] });
    const { accessKeyId } = role.issue({ sessionName: 'one', lifetimeMs: hour });
    const caller = identities.find(accessKeyId)?.caller;
    expect(refusalOf(caller, reading)).toContain('is not authorized to perform: s3:GetObject');
    role.setPolicies([allowing('s3:GetObject')]);
    expect(refusalOf(caller, reading)).toBeUndefined();
    role.setPolicies([]);
    expect(refusalOf(caller, reading)).toContain('is not authorized to perform: s3:GetObject');
  });

  it('takes everything from sessions that are revoked, and nothing from those after', async () => {
    const { identities, pass, reopen } = await testIdentities();
    const role = identities.addRole({ name: 'role', policies: [allowing('*')] });
    const before = role.issue({ sessionName: 'before', lifetimeMs: hour });
    pass(1_000);
    role.revokeSessions();
    const after = role.issue({ sessionName: 'after', lifetimeMs: hour });
    role.setPolicies([allowing('*')]);
    const again = reopen();
    again.addRole({ name: 'role', policies: [allowing('*')] });
    for (const known of [identities, again]) {
      expect(refusalOf(known.find(before.accessKeyId)?.caller, reading)).toMatch(
        / with an explicit deny in an identity-based policy$/,
      );
      expect(refusalOf(known.find(after.accessKeyId)?.caller, reading)).toBeUndefined();
    }
  });

  it('has its sessions survive a restart, narrowed as they were', async () => {
    const { identities, reopen } = await testIdentities();
    const role = identities.addRole({ name: 'role', policies: [] });
    const sessionPolicy = allowing('s3:GetObject');
    const key = role.issue({ sessionName: 'one', lifetimeMs: hour, sessionPolicy });
    const again = reopen();
    expect(again.find(key.accessKeyId)).toBeUndefined();
    const sameRole = again.addRole({ name: 'role', policies: [allowing('s3:*')] });
    expect(sameRole.id).toBe(role.id);
    const found = again.find(key.accessKeyId);
    expect(found).toMatchObject({ secretAccessKey: key.secretAccessKey, sessionToken: key.sessionToken });
    expect(refusalOf(found?.caller, reading)).toBeUndefined();
    expect(refusalOf(found?.caller, { ...reading, action: 's3:PutObject' })).toMatch(
      / because no session policy allows the s3:PutObject action$/,
    );
  });
});

describe('a temporary key', () => {
  it('is known for a day after its end, and then forgotten', async () => {
    const { identities, pass, reopen } = await testIdentities();
    const role = identities.addRole({ name: 'role', policies: [] });
    const { accessKeyId, expiresAtMs } = role.issue({ sessionName: 'one', lifetimeMs: 5_000 });
    pass(5_000 + day - 1);
    role.issue({ sessionName: 'two', lifetimeMs: 5_000 });
    expect(identities.find(accessKeyId)).toMatchObject({ expiresAtMs });
    pass(1);
    role.issue({ sessionName: 'three', lifetimeMs: 5_000 });
    const again = reopen();
    again.addRole({ name: 'role', policies: [] });
    expect([identities, again].map((one) => one.find(accessKeyId))).toEqual([undefined, undefined]);
  });

  it('is one of a thousand at most: ended ones make room, others do not', async () => {
    const { directory, identities: before, pass, reopen } = await testIdentities();
    const first = before.addRole({ name: 'role', policies: [] }).issue({ sessionName: 'first', lifetimeMs: 1_000 });
    const file = join(directory, 'identities.json');
    const content = JSON.parse(await readFile(file, 'utf8')) as { readonly temporaryKeys: readonly object[] };
    const others = Array.from({ length: 999 }, (_none, index) => ({
      ...content.temporaryKeys[0],
      accessKeyId: `ASIA${index}`,
      expiresAtMs: first.issuedAtMs + hour,
    }));
    await writeFile(file, JSON.stringify({ ...content, temporaryKeys: [...content.temporaryKeys, ...others] }));
    const identities = reopen();
    const role = identities.addRole({ name: 'role', policies: [] });
    expect(identities.find('ASIA998')).toBeDefined();
    const one = () => role.issue({ sessionName: 'one too many', lifetimeMs: hour });
    expect(one).toThrow(Refusal);
    expect(one).toThrow(expect.objectContaining({ kind: 'throttled' }));
    pass(1_000);
    expect(identities.find(one().accessKeyId)).toBeDefined();
    expect(identities.find(first.accessKeyId)).toBeUndefined();
  });

  it('of a user does what the user may', async () => {
    const { identities } = await testIdentities();
    const jane = identities.addUser({ name: 'jane', policies: [allowing('s3:GetObject')] });
    const key = jane.issue({ lifetimeMs: hour });
    const caller = identities.find(key.accessKeyId)?.caller;
    expect(caller).toMatchObject({ arn: jane.arn, userId: identities.find(jane.accessKeyId)?.caller.userId });
    expect(refusalOf(caller, reading)).toBeUndefined();
    jane.setPolicies([parsePolicy('{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}')]);
    expect(refusalOf(caller, reading)).toContain('with an explicit deny in an identity-based policy');
  });
});
