import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { BodyFilter } from '../../../sandbox/server/filtered-response.js';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { systemClock } from '../../../src/core/index.js';
import { service, testServer } from './support.js';

const pieceBytes = 256 * 1024;
const pieces = 40;

/** Writes pieces from one buffer, which it fills anew as soon as it is told that the last one was taken. */
const reusing = service('s3', async (_, response) => {
  const buffer = Buffer.alloc(pieceBytes);
  response.writeHead(200, { 'content-length': pieceBytes * pieces });
  for (let piece = 1; piece <= pieces; piece += 1) {
    buffer.fill(piece);
    await new Promise<void>((resolve) => void response.write(buffer, () => resolve()));
  }
  response.end();
  await once(response, 'close');
});

/** Sends small pieces, of which several fit into the socket's queue. */
const small: BodyFilter = {
  pass: async (piece, send) => {
    for (let at = 0; at < piece.length; at += 10_000) await send(piece.subarray(at, at + 10_000));
  },
  end: () => Promise.resolve(),
};
const filtering: Stage = async (exchange, next) => {
  exchange.response.addFilter(small);
  await next(exchange);
};

describe('a filtered answer', () => {
  it('is whole where the service uses its memory again and the reader pauses', async () => {
    await using test = await testServer([reusing], { stages: [filtering] });
    const answer = await new Promise<IncomingMessage>((resolve) => get(test.server.url, resolve));
    const found: Buffer[] = [];
    for await (const piece of answer as AsyncIterable<Buffer>) {
      found.push(piece);
      if (found.length % 10 === 1) await systemClock.sleep(20);
    }
    const body = Buffer.concat(found);
    expect(body).toHaveLength(pieceBytes * pieces);
    const wrong = Array.from({ length: pieces }, (_, index) =>
      body.subarray(index * pieceBytes, (index + 1) * pieceBytes).findIndex((byte) => byte !== index + 1),
    ).filter((at) => at !== -1);
    expect(wrong).toEqual([]);
  });
});
