import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request to the metadata service. */
export type MetadataAnswer = 'passed on' | 'silence' | 'an error';

/** Stands before the metadata service. */
export interface MetadataStandIn extends AsyncDisposable {
  /** For `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  readonly url: string;
  /** How many requests were not passed on, by what became of them. */
  readonly kept: Record<Exclude<MetadataAnswer, 'passed on'>, number>;
}

/** Starts one; `decide` is asked about the path of each request. */
export async function metadataStandIn(
  target: string,
  decide: (path: string) => MetadataAnswer,
): Promise<MetadataStandIn> {
  const kept = { silence: 0, 'an error': 0 };
  const server = createServer((request, response) => {
    const { url: path = '/', method = 'GET' } = request;
    const answer = decide(path);
    if (answer !== 'passed on') {
      kept[answer] += 1;
      if (answer === 'an error') response.writeHead(500).end();
      return;
    }
    const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('x-aws'));
    void fetch(new URL(path, target), { method, headers: headers.map(([name, value]) => [name, String(value)]) }).then(
      async (passed) => response.writeHead(passed.status).end(await passed.text()),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    kept,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
