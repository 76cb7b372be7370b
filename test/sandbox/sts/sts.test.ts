import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  type Credentials,
} from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { administrator, parsePolicy } from '../../../sandbox/iam/index.js';
import { raw, signedFor } from '../server/support.js';
import { allowing, reading, refusalOf } from '../iam/support.js';
import { tokenMaker } from '../../support/web-identity.js';
import { stsSandbox, type ClientKey } from './support.js';

const roleArn = 'arn:aws:iam::123456789012:role/snap-to-s3';
const assume = (input: Partial<AssumeRoleCommand['input']> = {}) =>
  new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'one', ...input });

const asKey = ({
  AccessKeyId = '',
  SecretAccessKey = '',
  SessionToken = '',
}: Partial<Credentials> = {}): ClientKey => ({
  accessKeyId: AccessKeyId,
  secretAccessKey: SecretAccessKey,
  sessionToken: SessionToken,
});

describe('GetCallerIdentity', () => {
  it('tells who calls: users, sessions of roles, and the root where keys are those of nobody', async () => {
    const { client, identities } = await stsSandbox();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [] });
    const session = role.issue({ sessionName: 'i-0123456789abcdef0', lifetimeMs: 60_000 });
    const ask = (key: ClientKey) => client(key).send(new GetCallerIdentityCommand({}));
    expect(await ask(administrator)).toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:iam::123456789012:user/administrator',
      UserId: expect.stringMatching(/^AIDA/),
    });
    expect(await ask(session)).toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/i-0123456789abcdef0',
      UserId: `${role.id}:i-0123456789abcdef0`,
    });
    expect(await ask({ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' })).toMatchObject({
      Arn: 'arn:aws:iam::123456789012:root',
      UserId: '123456789012',
    });
  });

  it('needs no permission, and none can take it away', async () => {
    const { client, identities } = await stsSandbox();
    const policies = [parsePolicy('{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}')];
    const jane = identities.addUser({ name: 'jane', policies });
    expect(await client(jane).send(new GetCallerIdentityCommand({}))).toMatchObject({ Arn: jane.arn });
  });
});

describe('AssumeRole', () => {
  it('begins a session, for an hour if nothing is said, in any region', async () => {
    const { client, clock, identities } = await stsSandbox();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [allowing('s3:*')] });
    const answer = await client(administrator, 'eu-west-1').send(assume());
    expect(answer).toMatchObject({
      AssumedRoleUser: {
        Arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/one',
        AssumedRoleId: `${role.id}:one`,
      },
      Credentials: { Expiration: new Date(clock.now() + 3_600_000) },
    });
    const key = asKey(answer.Credentials);
    expect(identities.find(key.accessKeyId)).toMatchObject({ sessionToken: key.sessionToken });
    expect(await client(key).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/one',
    });
    const longest = await client(administrator).send(assume({ DurationSeconds: 43_200 }));
    expect(longest.Credentials?.Expiration).toEqual(new Date(clock.now() + 43_200_000));
  });

  it('is for those whose own policies allow it', async () => {
    const { client, identities } = await stsSandbox();
    identities.addRole({ name: 'snap-to-s3', policies: [] });
    const condition = {
      StringEquals: {
        'sts:RoleSessionName': '${aws:username}',
        'aws:RequestedRegion': 'us-east-1',
        'sts:ExternalId': 'x1',
      },
    };
    const policies = [allowing('sts:AssumeRole', roleArn, condition)];
    const jane = identities.addUser({ name: 'jane', policies });
    const allowed = { RoleSessionName: 'jane', ExternalId: 'x1' };
    const denial = {
      name: 'AccessDenied',
      message: `User: ${jane.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
      $metadata: { httpStatusCode: 403 },
    };
    await client(jane).send(assume(allowed));
    await expect(client(jane).send(assume({ ...allowed, RoleSessionName: 'joe' }))).rejects.toMatchObject(denial);
    await expect(client(jane).send(assume({ RoleSessionName: 'jane' }))).rejects.toMatchObject(denial);
    await expect(client(jane, 'eu-west-1').send(assume(allowed))).rejects.toMatchObject(denial);
  });

  it('tells nobody which roles there are', async () => {
    const { client, identities } = await stsSandbox();
    const administratorArn = 'arn:aws:iam::123456789012:user/administrator';
    identities.addRole({ name: 'other', policies: [] });
    for (const RoleArn of [roleArn, 'arn:aws:iam::999999999999:role/other']) {
      await expect(client(administrator).send(assume({ RoleArn }))).rejects.toMatchObject({
        name: 'AccessDenied',
        message: `User: ${administratorArn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
      });
    }
  });

  it('narrows the session to what its policy allows as well', async () => {
    const { client, identities } = await stsSandbox();
    identities.addRole({ name: 'snap-to-s3', policies: [allowing('s3:*')] });
    const Policy = allowing('s3:GetObject').text;
    const { Credentials } = await client(administrator).send(assume({ Policy }));
    const caller = identities.find(Credentials?.AccessKeyId ?? '')?.caller;
    expect(refusalOf(caller, reading)).toBeUndefined();
    expect(refusalOf(caller, { ...reading, action: 's3:PutObject' })).toContain('because no session policy allows');
    expect(refusalOf(caller, { ...reading, action: 'ec2:CreateTags' })).toContain('because no identity-based policy');
  });

  it('lasts an hour at most from one role to another', async () => {
    const { client, identities } = await stsSandbox();
    identities.addRole({ name: 'snap-to-s3', policies: [allowing('*')] });
    const first = await client(administrator).send(assume());
    const chained = client(asKey(first.Credentials));
    await chained.send(assume({ DurationSeconds: 3_600 }));
    await expect(chained.send(assume({ DurationSeconds: 3_601 }))).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    });
  });

  it('is not for the root of an account', async () => {
    const { client, identities } = await stsSandbox();
    identities.addRole({ name: 'snap-to-s3', policies: [] });
    const nobody = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
    await expect(client(nobody).send(assume())).rejects.toMatchObject({
      name: 'AccessDenied',
      message: 'Roles may not be assumed by root accounts.',
    });
  });

  const violation = (value: string, member: string, constraint: string) =>
    `Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`;
  const detected = (text: string) => `1 validation error detected: ${text}`;
  const rows: readonly (readonly [input: Partial<AssumeRoleCommand['input']>, name: string, message: string])[] = [
    [
      { DurationSeconds: 899 },
      'ValidationError',
      detected(violation('899', 'durationSeconds', 'Member must have value greater than or equal to 900')),
    ],
    [
      { DurationSeconds: 43_201 },
      'ValidationError',
      detected(violation('43201', 'durationSeconds', 'Member must have value less than or equal to 43200')),
    ],
    [
      { RoleSessionName: 'a b' },
      'ValidationError',
      detected(violation('a b', 'roleSessionName', 'Member must satisfy regular expression pattern: [\\w+=,.@-]*')),
    ],
    [
      { RoleSessionName: 'a', DurationSeconds: 5 },
      'ValidationError',
      `2 validation errors detected: ${violation('a', 'roleSessionName', 'Member must have length greater than or equal to 2')}; ${violation('5', 'durationSeconds', 'Member must have value greater than or equal to 900')}`,
    ],
    [
      { RoleSessionName: undefined },
      'ValidationError',
      detected("Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"),
    ],
    [{ RoleArn: 'arn:aws:iam::1:role/snap-to-s3' }, 'ValidationError', 'arn:aws:iam::1:role/snap-to-s3 is invalid'],
    [{ Policy: '{}' }, 'MalformedPolicyDocumentException', 'The policy is malformed at Statement: '],
    [{ Tags: [{ Key: 'a', Value: 'b' }] }, 'NotImplemented', 'The sandbox does not implement the parameter Tags.'],
    [{ PolicyArns: [{ arn: 'x' }] }, 'NotImplemented', 'The sandbox does not implement the parameter PolicyArns.'],
    [{ SourceIdentity: 'me' }, 'NotImplemented', 'The sandbox does not implement the parameter SourceIdentity.'],
  ];

  it.each(rows)('refuses %j', async (input, name, message) => {
    const { client, identities } = await stsSandbox();
    identities.addRole({ name: 'snap-to-s3', policies: [] });
    const refused = client(administrator).send(assume(input));
    await expect(refused).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });
});

describe('GetSessionToken', () => {
  it('is a key with the permissions of the user, for 12 hours if nothing is said', async () => {
    const { client, clock, identities } = await stsSandbox();
    const jane = identities.addUser({ name: 'jane', policies: [allowing('s3:GetObject')] });
    const { Credentials } = await client(jane).send(new GetSessionTokenCommand({}));
    expect(Credentials?.Expiration).toEqual(new Date(clock.now() + 43_200_000));
    const caller = identities.find(Credentials?.AccessKeyId ?? '')?.caller;
    expect(caller).toMatchObject({ arn: jane.arn });
    expect(refusalOf(caller, reading)).toBeUndefined();
    const longest = new GetSessionTokenCommand({ DurationSeconds: 129_600 });
    const { Credentials: long } = await client(jane).send(longest);
    expect(long?.Expiration).toEqual(new Date(clock.now() + 129_600_000));
  });

  it('is not for temporary keys, and of STS its own may call two actions only', async () => {
    const { client, identities } = await stsSandbox();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [allowing('*')] });
    const { Credentials } = await client(administrator).send(new GetSessionTokenCommand({}));
    const session = client(asKey(Credentials));
    const message = 'Cannot call GetSessionToken with session credentials';
    for (const one of [session, client(role.issue({ sessionName: 'one', lifetimeMs: 60_000 }))]) {
      await expect(one.send(new GetSessionTokenCommand({}))).rejects.toMatchObject({ name: 'AccessDenied', message });
    }
    const info = new GetAccessKeyInfoCommand({ AccessKeyId: administrator.accessKeyId });
    await expect(session.send(info)).rejects.toMatchObject({ name: 'AccessDenied' });
    await session.send(assume());
    await session.send(new GetCallerIdentityCommand({}));
  });

  it('knows no MFA devices, and not the root', async () => {
    const { client } = await stsSandbox();
    const mfa = new GetSessionTokenCommand({ SerialNumber: 'GAHT12345678', TokenCode: '123456' });
    await expect(client(administrator).send(mfa)).rejects.toMatchObject({
      name: 'NotImplemented',
      message: 'The sandbox does not implement the parameter SerialNumber.',
    });
    const nobody = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
    await expect(client(nobody).send(new GetSessionTokenCommand({}))).rejects.toMatchObject({ name: 'NotImplemented' });
  });
});

describe('AssumeRoleWithWebIdentity', () => {
  const nowMs = Date.UTC(2026, 10, 23, 12);
  const maker = tokenMaker({ nowMs });
  const command = (WebIdentityToken: string, RoleArn = roleArn) =>
    new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'pod', WebIdentityToken });

  it('begins a session for who has a token of a known provider, although nobody signs', async () => {
    const { client, clock, identities } = await stsSandbox([maker.provider]);
    const role = identities.addRole({ name: 'snap-to-s3', policies: [] });
    const answer = await client(administrator).send(command(maker.token()));
    expect(answer).toMatchObject({
      AssumedRoleUser: {
        Arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/pod',
        AssumedRoleId: `${role.id}:pod`,
      },
      SubjectFromWebIdentityToken: 'system:serviceaccount:backup:snap-to-s3',
      Audience: 'sts.amazonaws.com',
      Provider: 'arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/1',
      Credentials: { Expiration: new Date(clock.now() + 3_600_000) },
    });
    expect(await client(asKey(answer.Credentials)).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/pod',
    });
  });

  const stranger = tokenMaker({ issuer: 'https://oidc.example.com/id/2', nowMs });
  const impostor = tokenMaker({ nowMs });
  const whole = maker.token();
  it.each([
    ['of no form', 'token', 'InvalidIdentityToken', /not a valid JWT/],
    ['of a provider that is not known', stranger.token(), 'InvalidIdentityToken', /No OpenIDConnect provider found/],
    ['signed by another', impostor.token(), 'InvalidIdentityToken', /verification key/],
    [
      'changed',
      whole.replace(/\.[^.]+\./, `.${whole.split('.')[1]?.replace(/.$/, 'x') ?? ''}.`),
      'InvalidIdentityToken',
      /./,
    ],
    ['for others', maker.token({ aud: 'others' }), 'InvalidIdentityToken', /Incorrect token audience/],
    ['that is over', maker.token({ exp: nowMs / 1_000 }), 'ExpiredTokenException', /^Token expired: current date/],
  ])('refuses a token %s', async (_, token, name, message) => {
    const { client, identities } = await stsSandbox([maker.provider]);
    identities.addRole({ name: 'snap-to-s3', policies: [] });
    await expect(client(administrator).send(command(token))).rejects.toMatchObject({
      name: expect.stringMatching(new RegExp(`^${name}`)),
      message: expect.stringMatching(message),
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('tells nobody which roles there are', async () => {
    const { client } = await stsSandbox([maker.provider]);
    await expect(client(administrator).send(command(maker.token()))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      $metadata: { httpStatusCode: 403 },
    });
  });
});

describe('GetAccessKeyInfo', () => {
  it('tells the account of a key, also of one that has ended, to those who may ask', async () => {
    const { client, identities, pass } = await stsSandbox();
    const role = identities.addRole({ name: 'snap-to-s3', policies: [] });
    const { accessKeyId } = role.issue({ sessionName: 'one', lifetimeMs: 1_000 });
    pass(2_000);
    const ask = new GetAccessKeyInfoCommand({ AccessKeyId: accessKeyId });
    expect(await client(administrator).send(ask)).toMatchObject({ Account: '123456789012' });
    const jane = identities.addUser({ name: 'jane', policies: [] });
    await expect(client(jane).send(ask)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: ${jane.arn} is not authorized to perform: sts:GetAccessKeyInfo because no identity-based policy allows the sts:GetAccessKeyInfo action`,
    });
  });

  it('knows no keys that nobody has', async () => {
    const { client } = await stsSandbox();
    const ask = new GetAccessKeyInfoCommand({ AccessKeyId: 'AKIANOBODY0000000000' });
    await expect(client(administrator).send(ask)).rejects.toMatchObject({ name: 'ValidationError' });
  });
});

describe('what the local STS does not have', () => {
  it('it says by name', async () => {
    const { client } = await stsSandbox();
    await expect(client(administrator).send(new GetFederationTokenCommand({ Name: 'joe' }))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: 'The sandbox does not implement sts:GetFederationToken.',
    });
  });

  const version = 'Version=2011-06-15';
  const rows: readonly (readonly [body: string, status: number, code: string])[] = [
    [`Action=GetCallerIdentity&${version}&Colour=red`, 400, 'InvalidQueryParameter'],
    ['Action=GetCallerIdentity&Version=2010-01-01', 400, 'InvalidAction'],
    [`Action=GetSessionToken&${version}&DurationSeconds=900.0`, 400, 'MalformedInput'],
    [version, 400, 'ValidationError'],
  ];

  it.each(rows)('%s is %d %s', async (body, status, code) => {
    const { url } = await stsSandbox();
    const headers = { ...signedFor('sts'), 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await raw(`${url}/`, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`);
    expect(answer.body).toContain(`<Type>Sender</Type><Code>${code}</Code>`);
  });
});
