import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { systemClock } from '../../../src/core/index.js';
import { raw, service, signedFor, testServer } from './support.js';

const answering = (name: string) =>
  service(name, async (got, response) => {
    const body = await text(got.body);
    response.end(`${name} ${got.region} ${got.accessKeyId ?? 'nobody'} ${body}`.trim());
  });
function gate(): { readonly promise: Promise<undefined>; resolve(value: undefined): void } {
  let resolve: (value: undefined) => void = () => undefined;
  const promise = new Promise<undefined>((done) => (resolve = done));
  return { promise, resolve };
}
const failing = service('s3', () => Promise.reject(new Error('broken')));

describe('the server', () => {
  it('hands a request to the service of its signature, and to S3 where nobody signed', async () => {
    await using test = await testServer([answering('s3'), answering('ec2')]);
    const { url } = test.server;
    expect((await raw(url, { headers: signedFor('ec2') })).body).toBe('ec2 eu-west-1 AKIATEST');
    const presigned = encodeURIComponent('ASIA1/20260101/us-west-2/ec2/aws4_request');
    expect((await raw(`${url}/?X-Amz-Credential=${presigned}`)).body).toBe('ec2 us-west-2 ASIA1');
    expect((await raw(url)).body).toBe('s3 us-east-1 nobody');
  });

  it('says which service it does not have', async () => {
    await using test = await testServer([answering('s3')]);
    const answer = await raw(test.server.url, { headers: signedFor('glacier') });
    expect(answer.status).toBe(501);
    expect(answer.body).toContain('<Code>NotImplemented</Code>');
    expect(answer.body).toContain('glacier');
  });

  it('a service throws -> 500, the defect is told, and the server goes on', async () => {
    await using test = await testServer([failing, answering('ec2')]);
    const { url } = test.server;
    const answer = await raw(url);
    expect([answer.status, answer.body]).toEqual([500, expect.stringContaining('<Code>InternalError</Code>')]);
    expect(test.defects).toEqual([expect.objectContaining({ message: 'broken' })]);
    expect((await raw(url, { headers: signedFor('ec2') })).status).toBe(200);
  });

  it('a client hangs up -> no defect', async () => {
    let seen: unknown;
    const reading = service('s3', async (got) => {
      await text(got.body).catch((error: unknown) => {
        seen = error;
        throw error;
      });
    });
    await using test = await testServer([reading]);
    const sent = request(test.server.url, { method: 'PUT', headers: { 'content-length': '100' } });
    sent.on('error', () => undefined);
    sent.write('half');
    await systemClock.sleep(50);
    sent.destroy();
    await expect.poll(() => seen).toBeDefined();
    await systemClock.sleep(10);
    expect(test.defects).toEqual([]);
  });

  it('leave to continue is given before the body comes', async () => {
    await using test = await testServer([answering('s3')]);
    const headers = { expect: '100-continue', 'content-length': '5' };
    const answer = await raw(test.server.url, { method: 'PUT', headers, body: 'hello' });
    expect(answer).toMatchObject({ status: 200, continued: true, body: 's3 us-east-1 nobody hello' });
  });

  it.each([
    ['a<b', '/'],
    ['localhost', '*'],
  ])('a request that has no URL (host %s, path %s) -> 400', async (host, path) => {
    await using test = await testServer([answering('s3')]);
    const status = await new Promise((resolve, reject) => {
      const { port } = test.server;
      const sent = request({ port, host: '127.0.0.1', method: 'OPTIONS', path, headers: { host } }, (answer) => {
        resolve(answer.resume().statusCode);
      });
      sent.on('error', reject).end();
    });
    expect(status).toBe(400);
    expect(test.defects).toEqual([]);
  });

  it('closing lets a request that is under way finish, and closes the services once', async () => {
    let closed = 0;
    const arrived = gate();
    const slow = service(
      's3',
      async (_, response) => {
        arrived.resolve(undefined);
        await systemClock.sleep(200);
        response.end('done');
      },
      { onClose: () => (closed += 1) },
    );
    const { server } = await testServer([slow]);
    const answer = raw(server.url);
    await arrived.promise;
    await Promise.all([server.close(), server.close()]);
    expect((await answer).body).toBe('done');
    expect(closed).toBe(1);
    await expect(raw(server.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('closing does not wait for ever', async () => {
    const arrived = gate();
    const stuck = service('s3', () => {
      arrived.resolve(undefined);
      return new Promise(() => undefined);
    });
    const { server } = await testServer([stuck], { graceMs: 50 });
    const answer = raw(server.url);
    const failed = expect(answer).rejects.toThrow(/hang up|ECONNRESET/);
    await arrived.promise;
    await server.close();
    await failed;
  });
});

describe('stages', () => {
  const noting = (name: string, log: string[]): Stage => {
    return async (exchange, next) => {
      log.push(`${name} in`);
      await next(exchange);
      log.push(`${name} out`);
    };
  };

  it('stand between router and service, in their order', async () => {
    const log: string[] = [];
    await using test = await testServer([answering('s3')], { stages: [noting('a', log), noting('b', log)] });
    expect((await raw(test.server.url)).status).toBe(200);
    expect(log).toEqual(['a in', 'b in', 'b out', 'a out']);
  });

  it('can answer instead of the service, and can change what it gets', async () => {
    const deny: Stage = async ({ request: got, response, ...rest }, next) => {
      if (got.headers['x-deny'] !== undefined) response.writeHead(403).end('no');
      else await next({ ...rest, response, request: { ...got, region: 'moved' } });
    };
    await using test = await testServer([answering('s3')], { stages: [deny] });
    const { url } = test.server;
    expect(await raw(url, { headers: { 'x-deny': '1' } })).toMatchObject({ status: 403, body: 'no' });
    expect((await raw(url)).body).toBe('s3 moved nobody');
  });
});
