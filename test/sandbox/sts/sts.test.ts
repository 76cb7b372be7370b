import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { s3Sandbox } from '../../support/s3-sandbox.js';

describe('the local STS', () => {
  it('tells whose keys they are: the role of the instance, or a user', async () => {
    await using sandbox = await s3Sandbox();
    const ask = async (accessKeyId: string) => {
      const client = new STSClient({
        endpoint: sandbox.url,
        region: 'us-east-1',
        credentials: { accessKeyId, secretAccessKey: 'secret' },
      });
      return client.send(new GetCallerIdentityCommand({}));
    };
    expect(await ask('ASIAEXAMPLE')).toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:sts::123456789012:assumed-role/snap-to-s3/i-0123456789abcdef0',
    });
    expect(await ask('AKIAEXAMPLE')).toMatchObject({ Arn: 'arn:aws:iam::123456789012:user/sandbox' });
  });

  it('says what it does not have', async () => {
    await using sandbox = await s3Sandbox();
    const client = new STSClient({
      endpoint: sandbox.url,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    });
    await expect(client.send(new GetSessionTokenCommand({}))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: 'The sandbox does not implement sts:GetSessionToken.',
    });
  });
});
