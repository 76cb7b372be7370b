import { describe, expect, it } from 'vitest';
import { testImds, tokenHeader, ttlHeader } from './support.js';

describe('session tokens of the instance metadata service', () => {
  it('open the metadata until the second at which they end', async () => {
    const { send, askToken, pass } = await testImds();
    const token = (await askToken('60')).body;
    const read = async () =>
      (await send('/latest/meta-data/instance-id', { headers: { [tokenHeader]: token } })).status;
    expect(await read()).toBe(200);
    pass(59_999);
    expect(await read()).toBe(200);
    pass(1);
    expect(await read()).toBe(401);
  });

  it('look like those of EC2, and tell how long they still live', async () => {
    const { send, askToken, pass } = await testImds();
    const issued = await askToken('21600');
    expect([issued.status, issued.headers[ttlHeader], issued.headers['content-type']]).toEqual([
      200,
      '21600',
      'text/plain',
    ]);
    expect(issued.body).toMatch(/^AQAAA[\w-]{49}==$/);
    pass(10_000);
    const read = await send('/latest/meta-data/', { headers: { [tokenHeader]: issued.body } });
    expect(read.headers[ttlHeader]).toBe('21590');
  });

  it('are refused with 401 when made up, bent, empty, or of another instance', async () => {
    const { send, askToken } = await testImds();
    const other = (await (await testImds()).askToken('60')).body;
    const good = (await askToken('60')).body;
    const bent = [good.slice(0, -4), `${good}A`, good.replace(/==$/, ''), `AQAAB${good.slice(5)}`];
    for (const token of [other, 'made up', '', '===', ...bent]) {
      const answer = await send('/latest/meta-data/instance-id', { headers: { [tokenHeader]: token } });
      expect(answer.status, token).toBe(401);
    }
  });

  it('are not issued for a lifetime other than 1 to 21,600 whole seconds', async () => {
    const { send, askToken } = await testImds();
    for (const ttl of ['0', '21601', '-5', 'long', '1.5', '1e3', ''])
      expect((await askToken(ttl)).status, ttl).toBe(400);
    expect((await send('/latest/api/token', { method: 'PUT' })).status).toBe(400);
    for (const ttl of ['1', '21600']) expect((await askToken(ttl)).status, ttl).toBe(200);
  });

  it('are not issued through a proxy, below a dated version, or for another method', async () => {
    const { send, askToken, get } = await testImds();
    expect((await askToken('60', { 'x-forwarded-for': '10.0.0.1' })).status).toBe(403);
    const put = { method: 'PUT', headers: { [ttlHeader]: '60' } };
    expect((await send('/2021-03-23/api/token', put)).status).toBe(403);
    expect((await send('/latest/meta-data/', put)).status).toBe(405);
    for (const method of ['POST', 'DELETE']) {
      const answer = await send('/latest/api/token', { method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'OPTIONS, PUT']);
    }
    expect((await get('/latest/api/token')).status).toBe(405);
  });
});
