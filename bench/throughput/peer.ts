import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';

/**
 * The peer: a bare node:http server in one thread that takes a PUT, computes its MD5 and CRC-32 and writes it to a file
 * of the name in the URL, and gives such a file for a GET. It knows no buckets and verifies nothing.
 */
export async function startPeer(directory: string): Promise<{ readonly port: number; close(): Promise<void> }> {
  const file = (url = '/'): string => join(directory, url.replace(/\W/g, '-'));
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const md5 = createHash('md5');
    let crc = 0;
    request.on('data', (chunk: Buffer) => {
      md5.update(chunk);
      crc = crc32(chunk, crc);
    });
    await pipeline(request, createWriteStream(file(request.url), { highWaterMark: 1024 ** 2 }));
    response.writeHead(200, { etag: `"${md5.digest('hex')}"`, 'x-crc32': crc }).end();
  };
  const give = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = file(request.url);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const end = range === null ? (await stat(path)).size - 1 : Number(range[2]);
    const start = range === null ? 0 : Number(range[1]);
    response.writeHead(200, { 'content-length': end - start + 1 });
    await pipeline(createReadStream(path, { start, end, highWaterMark: 1024 ** 2 }), response);
  };
  const server = createServer((request, response) => {
    const work = request.method === 'GET' ? give(request, response) : take(request, response);
    work.catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
