import { fromInstanceMetadata } from '@aws-sdk/credential-providers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryKey, testImds } from './support.js';

const hourMs = 60 * 60 * 1000;
const path = '/latest/meta-data/iam/security-credentials/snap-to-s3';

function leadTo(url: string): void {
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url);
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe('the credentials of the role in the instance metadata', () => {
  it('carry the dates of the key, in whole seconds', async () => {
    const { get } = await testImds({ keys: { current: () => temporaryKey(1, Date.UTC(2026, 10, 23, 11, 0, 0, 999)) } });
    const { body } = await get(path);
    expect(JSON.parse(body)).toEqual({
      Code: 'Success',
      LastUpdated: '2026-11-23T11:00:00Z',
      Type: 'AWS-HMAC',
      AccessKeyId: 'ASIAKEYNUMBER0000001',
      SecretAccessKey: 'secret/1'.padEnd(40, 'x'),
      Token: 'session token 1',
      Expiration: '2026-11-23T17:00:00Z',
    });
    expect(body).toContain('{\n  "Code" : "Success",\n');
    expect(JSON.parse((await get('/latest/meta-data/iam/info')).body)).toMatchObject({
      LastUpdated: '2026-11-23T11:00:00Z',
      InstanceProfileArn: 'arn:aws:iam::123456789012:instance-profile/snap-to-s3',
    });
  });

  it('reach the SDK, and the next ones after a rotation', async () => {
    let key = temporaryKey(1, Date.now());
    const { url } = await testImds({ keys: { current: () => Promise.resolve(key) } });
    leadTo(url);
    const provider = fromInstanceMetadata();
    expect(await provider()).toMatchObject({ accessKeyId: key.accessKeyId, sessionToken: 'session token 1' });
    key = temporaryKey(2, Date.now() + hourMs);
    const { accessKeyId, expiration } = await provider();
    expect(accessKeyId).toBe('ASIAKEYNUMBER0000002');
    expect(expiration?.getTime()).toBe(Math.floor(key.expiresAtMs / 1000) * 1000);
  });

  it('do not reach an SDK in a container beyond the hop limit, unless version 1 is allowed', async () => {
    const { service, url } = await testImds({ metadataOptions: { httpPutResponseHopLimit: 1 } }, { hops: 2 });
    leadTo(url);
    const options = { timeout: 200, maxRetries: 0 };
    await expect(fromInstanceMetadata(options)()).rejects.toMatchObject({ statusCode: 401 });
    service.setOptions({ httpTokens: 'optional' });
    expect((await fromInstanceMetadata(options)()).accessKeyId).toBe('ASIAKEYNUMBER0000001');
    const careful = fromInstanceMetadata({ ...options, ec2MetadataV1Disabled: true });
    await expect(careful()).rejects.toThrow('AWS EC2 Metadata v1 fallback has been blocked');
  });

  it('are a 500 and a notice when the key cannot be had', async () => {
    const failure = new Error('no key');
    const defects: unknown[] = [];
    const { get } = await testImds({
      keys: { current: () => Promise.reject(failure) },
      onDefect: (error) => defects.push(error),
    });
    expect((await get(path)).status).toBe(500);
    expect(defects).toEqual([failure]);
    expect((await get('/latest/meta-data/instance-id')).status).toBe(200);
  });
});
