import { describe, expect, it } from 'vitest';
import { instance, testImds, tokenHeader } from './support.js';

describe('the instance metadata', () => {
  it('tells where and what the instance is', async () => {
    const { get } = await testImds();
    const facts: Readonly<Record<string, string>> = {
      'ami-id': instance.imageId,
      'block-device-mapping/root': '/dev/xvda',
      'events/maintenance/scheduled': '[]',
      hostname: 'ip-172-31-0-10.ec2.internal',
      'instance-id': instance.id,
      'instance-life-cycle': 'on-demand',
      'instance-type': 'm6i.large',
      'local-ipv4': '172.31.0.10',
      'placement/availability-zone': 'us-east-1a',
      'placement/availability-zone-id': 'use1-az1',
      'placement/region': 'us-east-1',
      'services/domain': 'amazonaws.com',
    };
    for (const [path, text] of Object.entries(facts)) {
      expect((await get(`/latest/meta-data/${path}`)).body, path).toBe(text);
    }
    const document: unknown = JSON.parse((await get('/latest/dynamic/instance-identity/document')).body);
    expect(document).toMatchObject({
      region: 'us-east-1',
      availabilityZone: 'us-east-1a',
      instanceId: instance.id,
      accountId: '123456789012',
      pendingTime: '2023-11-14T22:13:20Z',
      billingProducts: null,
    });
  });

  it('names hosts outside us-east-1 after their region', async () => {
    const { get } = await testImds({ instance: { ...instance, region: 'eu-central-1' } });
    expect((await get('/latest/meta-data/local-hostname')).body).toBe('ip-172-31-0-10.eu-central-1.compute.internal');
  });

  it('lists what there is: versions, directories, and directories in them, in the order of the alphabet', async () => {
    const { get } = await testImds();
    expect((await get('/')).body.split('\n').slice(-2)).toEqual(['2021-03-23', 'latest']);
    expect((await get('/latest/')).body).toBe('dynamic\nmeta-data');
    expect((await get('/latest')).body).toBe('dynamic\nmeta-data');
    expect((await get('/latest/meta-data/placement/')).body).toBe('availability-zone\navailability-zone-id\nregion');
    const top = (await get('/latest/meta-data/')).body.split('\n');
    expect(top).toEqual(top.toSorted());
    expect(top).toEqual(expect.arrayContaining(['ami-id', 'iam/', 'instance-id', 'network/', 'services/']));
    expect((await get('/latest/meta-data/iam/security-credentials/')).body).toBe('snap-to-s3');
  });

  it('leads from the MAC address to the network interface', async () => {
    const { get } = await testImds();
    const mac = (await get('/latest/meta-data/mac')).body;
    expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    expect((await get('/latest/meta-data/network/interfaces/macs/')).body).toBe(`${mac}/`);
    const facts = `/latest/meta-data/network/interfaces/macs/${mac}`;
    expect((await get(`${facts}/owner-id`)).body).toBe('123456789012');
    expect((await get(`${facts}/interface-id`)).body).toBe('eni-0123456789abcdef0');
  });

  it('is the same below every version', async () => {
    const { get } = await testImds();
    for (const version of ['1.0', '2016-09-02', '2021-03-23', 'latest']) {
      expect((await get(`/${version}/meta-data/instance-id`)).body, version).toBe(instance.id);
    }
  });

  it('answers 404 with a page of HTML for what is not there or cannot be told truthfully', async () => {
    const { get } = await testImds();
    const paths = [
      '/1999-01-01/meta-data/',
      '/latest/user-data',
      '/latest/meta-data/colour',
      '/latest/meta-data/instance',
      '/latest/meta-data/iam/security-credentials/other-role',
      '/latest/meta-data/spot/termination-time',
      '/latest/meta-data/spot/instance-action',
      '/latest/meta-data/events/recommendations/rebalance',
      '/latest/dynamic/instance-identity/pkcs7',
      '/latest/dynamic/instance-identity/signature',
    ];
    for (const path of paths) {
      const answer = await get(path);
      expect([answer.status, answer.headers['content-type']], path).toEqual([404, 'text/html']);
      expect(answer.body).toContain('<title>404 - Not Found</title>');
    }
  });

  it('answers in the form of EC2: 401 of 343 bytes, text whatever it is, one request a connection', async () => {
    const { send, get } = await testImds();
    const refused = await send('/latest/meta-data/instance-id');
    expect(refused).toMatchObject({
      status: 401,
      headers: { server: 'EC2ws', connection: 'close', 'content-length': '343', 'content-type': 'text/html' },
    });
    expect((await get('/latest/dynamic/instance-identity/document')).headers).toMatchObject({
      server: 'EC2ws',
      connection: 'close',
      'accept-ranges': 'none',
      'content-type': 'text/plain',
    });
  });

  it('answers HEAD as GET without the body, and other methods with 405', async () => {
    const { send, askToken } = await testImds();
    const headers = { [tokenHeader]: (await askToken('60')).body };
    const head = await send('/latest/meta-data/instance-id', { method: 'HEAD', headers });
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '19', '']);
    expect((await send('/latest/meta-data/instance-id', { method: 'POST', headers })).status).toBe(405);
  });
});
