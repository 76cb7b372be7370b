import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromInstanceMetadata } from '@aws-sdk/credential-providers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createImds, roleCredentials } from '../../../sandbox/imds/index.js';

const instance = {
  id: 'i-0123456789abcdef0',
  region: 'us-east-1',
  zone: 'us-east-1a',
  accountId: '123456789012',
  instanceType: 'm6i.large',
  imageId: 'ami-0123456789abcdef0',
  privateIp: '172.31.0.10',
  launchedAtMs: 1_700_000_000_000,
};

async function startImds() {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-imds-'));
  let nowMs = Date.UTC(2026, 10, 23, 12);
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const credentials = await roleCredentials(directory);
  const imds = await createImds({ instance, credentials, clock }).listen(0);
  onTestFinished(async () => {
    await imds.close();
    await rm(directory, { recursive: true });
  });
  const token = async (ttl: string) =>
    fetch(`${imds.url}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': ttl },
    });
  const session = await (await token('60')).text();
  const get = async (path: string, value = session) => {
    const response = await fetch(`${imds.url}${path}`, { headers: { 'X-aws-ec2-metadata-token': value } });
    return { status: response.status, text: await response.text() };
  };
  return { directory, credentials, imds, token, get, pass: (ms: number) => (nowMs += ms) };
}

describe('the instance metadata service', () => {
  it('answers only to a token that has not expired', async () => {
    const { imds, get, pass } = await startImds();
    expect(await get('/latest/meta-data/instance-id')).toEqual({ status: 200, text: instance.id });
    expect((await fetch(`${imds.url}/latest/meta-data/instance-id`)).status).toBe(401);
    expect((await get('/latest/meta-data/instance-id', 'made up')).status).toBe(401);
    pass(59_999);
    expect((await get('/latest/meta-data/instance-id')).status).toBe(200);
    pass(1);
    expect((await get('/latest/meta-data/instance-id')).status).toBe(401);
  });

  it('refuses lifetimes that are none, and requests that came through a proxy', async () => {
    const { imds, token } = await startImds();
    for (const ttl of ['0', '21601', '-5', 'long', '1.5']) expect((await token(ttl)).status, ttl).toBe(400);
    expect((await fetch(`${imds.url}/latest/api/token`, { method: 'PUT' })).status).toBe(400);
    const longest = await token('21600');
    expect([longest.status, longest.headers.get('x-aws-ec2-metadata-token-ttl-seconds')]).toEqual([200, '21600']);
    const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': '60', 'X-Forwarded-For': '10.0.0.1' };
    expect((await fetch(`${imds.url}/latest/api/token`, { method: 'PUT', headers })).status).toBe(403);
  });

  it('tells where the instance is, lists directories, and knows nothing else', async () => {
    const { get } = await startImds();
    expect((await get('/latest/meta-data/placement/availability-zone')).text).toBe('us-east-1a');
    expect((await get('/latest/meta-data/placement/region')).text).toBe('us-east-1');
    expect((await get('/latest/meta-data/placement/')).text).toBe('availability-zone\nregion');
    expect((await get('/latest/meta-data/')).text.split('\n')).toEqual(
      expect.arrayContaining(['ami-id', 'iam/', 'instance-id', 'instance-type', 'local-hostname', 'placement/']),
    );
    const document = JSON.parse((await get('/latest/dynamic/instance-identity/document')).text) as object;
    expect(document).toMatchObject({
      region: 'us-east-1',
      availabilityZone: 'us-east-1a',
      instanceId: instance.id,
      accountId: '123456789012',
      instanceType: 'm6i.large',
    });
    for (const path of ['/latest/meta-data/colour', '/latest/user-data', '/2016-09-02/meta-data/', '/']) {
      expect((await get(path)).status, path).toBe(404);
    }
  });

  it('gives the SDK the credentials of the role, the same after a restart', async () => {
    const { imds, credentials, directory } = await startImds();
    const before = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
    process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = imds.url;
    try {
      const found = await fromInstanceMetadata()();
      expect(found).toMatchObject(credentials);
      expect(found.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
      expect(found.secretAccessKey).toHaveLength(40);
      expect(await roleCredentials(directory)).toEqual(credentials);
    } finally {
      if (before === undefined) delete process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
      else process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = before;
    }
  });
});
