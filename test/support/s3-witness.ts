import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that S3 has answered. */
export interface Witnessed {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly status: number;
  /** Whose key signed. */
  readonly accessKeyId: string | undefined;
}

/** Stands before the local S3, passes everything on, and remembers it. */
export interface S3Witness extends AsyncDisposable {
  /** For `AWS_ENDPOINT_URL_S3`. */
  readonly url: string;
  /** In the order in which they were answered. */
  readonly answered: readonly Witnessed[];
  /** The most parts that were under way at once. */
  readonly mostPartsAtOnce: number;
}

/** How it stands there. */
export interface S3WitnessOptions {
  /** Parts wait so long. */
  readonly partDelayMs?: number;
  /** False: it answers as stores do that know no conditional writes. */
  readonly conditionalWrites?: boolean;
}

const notImplemented =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>NotImplemented</Code>' +
  '<Message>A header you provided implies functionality that is not implemented</Message></Error>';

/** Starts one. */
export async function s3Witness(target: string, options: S3WitnessOptions = {}): Promise<S3Witness> {
  const answered: Witnessed[] = [];
  let parts = 0;
  let mostParts = 0;
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { pathname, searchParams: query } = new URL(incoming.url ?? '/', target);
    if (options.conditionalWrites === false && isConditional(incoming)) {
      incoming.resume();
      outgoing.writeHead(501, { 'content-type': 'application/xml' }).end(notImplemented);
      return;
    }
    const isPart = query.has('partNumber');
    if (isPart) mostParts = Math.max(mostParts, (parts += 1));
    const forward = (): void => {
      const passed = request(
        new URL(incoming.url ?? '/', target),
        { method: incoming.method, headers: incoming.headers },
        (answer: IncomingMessage) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
          answer.once('end', () => {
            if (isPart) parts -= 1;
            const path = decodeURIComponent(pathname);
            const accessKeyId = /Credential=(\w+)/.exec(incoming.headers.authorization ?? '')?.[1];
            const status = answer.statusCode ?? 500;
            answered.push({ method: incoming.method ?? '', path, query, status, accessKeyId });
          });
        },
      );
      passed.on('error', () => outgoing.destroy());
      incoming.on('error', () => passed.destroy());
      // Whoever asks first whether he may send shall hear it from S3, which may answer at once instead.
      if (incoming.headers.expect === undefined) incoming.pipe(passed);
      else {
        passed.once('continue', () => {
          outgoing.writeContinue();
          incoming.pipe(passed);
        });
        passed.flushHeaders();
      }
    };

    if (isPart && options.partDelayMs !== undefined) setTimeout(forward, options.partDelayMs);
    else forward();
  };
  const server = createServer(pass).on('checkContinue', pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered,
    get mostPartsAtOnce() {
      return mostParts;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isConditional({ method, headers }: IncomingMessage): boolean {
  return method !== 'GET' && method !== 'HEAD' && ('if-none-match' in headers || 'if-match' in headers);
}
