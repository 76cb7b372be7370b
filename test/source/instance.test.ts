import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/core/index.js';
import { currentInstance } from '../../src/source/index.js';
import { testImds } from '../sandbox/imds/support.js';

const here = { instanceId: 'i-0123456789abcdef0', availabilityZone: 'us-east-1a', region: 'us-east-1' };

async function failure(endpoint: string): Promise<AppError> {
  const error: unknown = await currentInstance(endpoint).catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error('It did not fail with an AppError.', { cause: error });
  return error;
}

/** A server that is no metadata service of the sandbox. */
async function server(answer: RequestListener): Promise<string> {
  const listening = createServer(answer);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    listening.close();
    listening.closeAllConnections();
  });
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

describe('currentInstance', () => {
  it('asks with a session token', async () => {
    const { url } = await testImds();
    expect(await currentInstance(url)).toEqual(here);
  });

  it('asks with a new token when the first one ended in the middle', async () => {
    const imds = await testImds();
    let tokens = 0;
    const aging = await server((request, response) => {
      const headers = request.headers as Record<string, string>;
      void imds.send(request.url ?? '/', { method: request.method ?? 'GET', headers }).then((answer) => {
        if (request.method === 'PUT' && ++tokens === 1) imds.pass(60_000);
        response.writeHead(answer.status).end(answer.body);
      });
    });
    expect(await currentInstance(aging)).toEqual(here);
    expect(tokens).toBe(2);
  });

  it('in a container beyond the hop limit: names the limit and how to raise it, within 6 seconds', async () => {
    const { url } = await testImds({ metadataOptions: { httpPutResponseHopLimit: 1 } }, { hops: 2 });
    const begun = performance.now();
    const error = await failure(url);
    expect(performance.now() - begun).toBeLessThan(6_000);
    expect(error.code).toBe('no-instance-metadata');
    expect(error.message).toBe(
      `The EC2 instance metadata service at ${url} is there, but its session tokens do not get here.`,
    );
    expect(error.hint).toContain('--http-put-response-hop-limit 2');
  });

  it('in a container beyond the hop limit, where tokens are optional: asks without one, as SDKs do', async () => {
    const metadataOptions = { httpPutResponseHopLimit: 1, httpTokens: 'optional' } as const;
    const { url } = await testImds({ metadataOptions }, { hops: 2 });
    expect(await currentInstance(url)).toEqual(here);
  });

  it('says that the service is turned off, and how to turn it on', async () => {
    const { url } = await testImds({ metadataOptions: { httpEndpoint: 'disabled' } });
    expect(await failure(url)).toMatchObject({
      code: 'no-instance-metadata',
      message: `The EC2 instance metadata service at ${url} refuses to answer (403).`,
      hint: expect.stringContaining('--http-endpoint enabled') as string,
    });
  });

  it('says that nobody answers, where nobody listens and where nothing ever comes', async () => {
    const silent = await server(() => undefined);
    const gone = await testImds();
    await gone.close();
    for (const url of [gone.url, silent]) {
      const begun = performance.now();
      expect((await failure(url)).message).toBe(`The EC2 instance metadata service at ${url} does not answer.`);
      expect(performance.now() - begun).toBeLessThan(6_000);
    }
  }, 15_000);

  it.each([503, 429])('asks again when it is answered with %d, until it is answered well', async (status) => {
    const imds = await testImds();
    let refused = 0;
    const busy = await server((request, response) => {
      // The token the first time, the document the second time.
      const isTurn = refused === (request.method === 'PUT' ? 0 : 1);
      if (isTurn) {
        refused += 1;
        response.writeHead(status).end();
        return;
      }
      const headers = request.headers as Record<string, string>;
      void imds
        .send(request.url ?? '/', { method: request.method ?? 'GET', headers })
        .then((answer) => response.writeHead(answer.status).end(answer.body));
    });
    expect(await currentInstance(busy)).toEqual(here);
    expect(refused).toBe(2);
  });

  it('that is slow once is asked again, and not taken for one beyond the hop limit', async () => {
    const imds = await testImds();
    let tokens = 0;
    const slow = await server((request, response) => {
      if (request.method === 'PUT' && (tokens += 1) === 1) return;
      const headers = request.headers as Record<string, string>;
      void imds
        .send(request.url ?? '/', { method: request.method ?? 'GET', headers })
        .then((answer) => response.writeHead(answer.status).end(answer.body));
    });
    expect(await currentInstance(slow)).toEqual(here);
    expect(tokens).toBe(2);
  });

  it('tells throttling from an answer that makes no sense', async () => {
    const busy = await server((_request, response) => response.writeHead(503).end());
    expect(await failure(busy)).toMatchObject({
      retryable: true,
      hint: expect.stringContaining('try again') as string,
    });
    const other = await server((_request, response) => response.end('{"hello":"world"}'));
    expect((await failure(other)).message).toBe(`What answers at ${other} is no EC2 instance metadata service.`);
    const web = await server((_request, response) => response.writeHead(405).end());
    expect((await failure(web)).message).toContain('answered with status 405.');
  });

  it('refuses an endpoint that is no URL', async () => {
    expect(await failure('169.254.169.254')).toMatchObject({
      code: 'usage',
      message: 'The address of the EC2 instance metadata service, "169.254.169.254", is no URL.',
    });
  });
});
