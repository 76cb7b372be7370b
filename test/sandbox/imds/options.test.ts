import { describe, expect, it, onTestFinished } from 'vitest';
import { testImds, tokenHeader, ttlHeader } from './support.js';

/** What a PUT for a token gets within 300 milliseconds. */
async function tokenWithin(url: string): Promise<number | 'silence'> {
  const request = { method: 'PUT', headers: { [ttlHeader]: '60' }, signal: AbortSignal.timeout(300) };
  return fetch(`${url}/latest/api/token`, request).then(
    (response) => response.status,
    (error: unknown) => {
      if (error instanceof Error && error.name === 'TimeoutError') return 'silence';
      throw error;
    },
  );
}

describe('the options of the instance metadata service', () => {
  it('need a token for every read unless tokens are optional, from the next request on', async () => {
    const { service, send } = await testImds();
    expect(service.metadataOptions.httpTokens).toBe('required');
    for (const path of ['/', '/latest/meta-data/instance-id', '/latest/nothing']) {
      expect((await send(path)).status, path).toBe(401);
    }
    service.setOptions({ httpTokens: 'optional' });
    expect(await send('/latest/meta-data/instance-id')).toMatchObject({ status: 200, body: 'i-0123456789abcdef0' });
    expect((await send('/latest/meta-data/instance-id', { headers: { [tokenHeader]: 'bad' } })).status).toBe(401);
    service.setOptions({ httpTokens: 'required' });
    expect((await send('/latest/meta-data/instance-id')).status).toBe(401);
  });

  it('refuse everything with 403 while the endpoint is disabled', async () => {
    const { service, send, askToken } = await testImds();
    const token = (await askToken('60')).body;
    service.setOptions({ httpEndpoint: 'disabled' });
    expect((await askToken('60')).status).toBe(403);
    expect((await send('/latest/meta-data/', { headers: { [tokenHeader]: token } })).status).toBe(403);
    service.setOptions({ httpEndpoint: 'enabled' });
    expect((await send('/latest/meta-data/', { headers: { [tokenHeader]: token } })).status).toBe(200);
  });

  it('keep answers to PUT from places beyond the hop limit, and nothing else', async () => {
    const { service, url } = await testImds({
      metadataOptions: { httpPutResponseHopLimit: 1, httpTokens: 'optional' },
    });
    const container = await service.listen(0, { hops: 2 });
    onTestFinished(() => container.close());
    expect(await tokenWithin(url)).toBe(200);
    expect(await tokenWithin(container.url)).toBe('silence');
    expect((await fetch(`${container.url}/latest/meta-data/instance-id`)).status).toBe(200);
    service.setOptions({ httpPutResponseHopLimit: 2 });
    expect(await tokenWithin(container.url)).toBe(200);
  });

  it('take a token from the instance into a container', async () => {
    const { service, askToken } = await testImds({ metadataOptions: { httpPutResponseHopLimit: 1 } });
    const container = await service.listen(0, { hops: 2 });
    onTestFinished(() => container.close());
    const headers = { [tokenHeader]: (await askToken('60')).body };
    expect((await fetch(`${container.url}/latest/meta-data/instance-id`, { headers })).status).toBe(200);
  });

  it('have a hop limit of 1 to 64', async () => {
    const { service } = await testImds();
    for (const httpPutResponseHopLimit of [0, 65, 1.5, Number.NaN]) {
      expect(() => service.setOptions({ httpPutResponseHopLimit })).toThrow(
        `The hop limit of the metadata service is ${httpPutResponseHopLimit}; it can be 1 to 64.`,
      );
    }
    expect(service.metadataOptions.httpPutResponseHopLimit).toBe(2);
    for (const httpPutResponseHopLimit of [1, 64]) service.setOptions({ httpPutResponseHopLimit });
  });

  it('show the tags of the instance as they are now, when tags are enabled', async () => {
    let tags = [{ key: 'Name', value: 'one' }];
    const { service, get } = await testImds({ tags: () => tags });
    expect((await get('/latest/meta-data/tags/instance/Name')).status).toBe(404);
    expect((await get('/latest/meta-data/')).body).not.toContain('tags/');
    service.setOptions({ instanceMetadataTags: 'enabled' });
    expect((await get('/latest/meta-data/')).body.split('\n').at(-1)).toBe('tags/');
    tags = [
      { key: 'Name', value: 'two' },
      { key: 'Environment', value: '' },
      { key: 'with space', value: 'x' },
      { key: 'a/b', value: 'x' },
    ];
    for (const path of ['/latest/meta-data/tags/instance', '/latest/meta-data/tags/instance/']) {
      expect((await get(path)).body, path).toBe('Name\nEnvironment');
    }
    expect((await get('/latest/meta-data/tags/instance/Name')).body).toBe('two');
    expect(await get('/latest/meta-data/tags/instance/Environment')).toMatchObject({ status: 200, body: '' });
  });
});
