import { Readable } from 'node:stream';
import type { Exchange } from '../server/pipeline.js';
import type { Course } from './course.js';
import { flipped, placeOf } from './flip.js';
import type { StrikeOf } from './injected-fault.js';
import { newPace } from './pace.js';
import { payloadBytes, payloadFinder } from './payload.js';

type Pieces = AsyncIterable<Buffer>;

/** Hands the request on with a body that is slow, ends too early or has a flipped bit. */
export async function faultyRequestBody(
  strike: StrikeOf<'slow' | 'truncated' | 'flipped-bit'>,
  exchange: Exchange,
  { next }: Course,
): Promise<void> {
  const { request, service } = exchange;
  if (service.bodies === 'whole') {
    await next({ ...exchange, request: { ...request, content: await wholeBody(strike, exchange) } });
    return;
  }
  const arriving = request.body.iterator({ destroyOnReturn: false }) as Pieces;
  const body = Readable.from(changed(arriving, strike, exchange), { objectMode: false });
  // A client that went away is the reader's business, if there is one.
  body.on('error', () => undefined);
  try {
    await next({ ...exchange, request: { ...request, body } });
  } finally {
    // The rest of a body that the service refused must not keep the connection.
    body.resume();
  }
}

function changed(
  pieces: Pieces,
  strike: StrikeOf<'slow' | 'truncated' | 'flipped-bit'>,
  exchange: Exchange,
): AsyncGenerator<Buffer> {
  const { fault } = strike;
  switch (fault.kind) {
    case 'slow':
      return slow(pieces, { ...strike, fault });
    case 'truncated':
      return truncated(pieces, { ...strike, fault }, exchange);
    case 'flipped-bit':
      return withFlippedBit(pieces, { ...strike, fault }, exchange);
  }
}

async function* slow(pieces: Pieces, strike: StrikeOf<'slow'>): AsyncGenerator<Buffer> {
  const { bytesPerSecond } = strike.fault;
  const pace = newPace({ bytesPerSecond, clock: strike.clock, signal: strike.over, onWait: strike.applied });
  for await (const piece of pieces) yield* pace(piece);
  strike.missed();
}

async function* truncated(
  pieces: Pieces,
  strike: StrikeOf<'truncated'>,
  { response }: Exchange,
): AsyncGenerator<Buffer> {
  let left = strike.fault.afterBytes;
  for await (const piece of pieces) {
    if (piece.length > left) {
      if (left > 0) yield piece.subarray(0, left);
      strike.applied();
      response.reset();
      throw connectionLost();
    }
    left -= piece.length;
    yield piece;
  }
  strike.missed();
}

async function* withFlippedBit(
  pieces: Pieces,
  strike: StrikeOf<'flipped-bit'>,
  { request: { headers } }: Exchange,
): AsyncGenerator<Buffer> {
  const find = payloadFinder(headers);
  const toldBytes = payloadBytes(headers);
  let place = toldBytes === undefined ? undefined : placeOf(strike, toldBytes);
  let passed = 0;
  let isDone = false;
  for await (const piece of pieces) {
    let sent = piece;
    for (const { start, end } of find(piece)) {
      const length = end - start;
      place ??= placeOf(strike, length);
      if (!isDone && place.atByte < passed + length) {
        sent = flipped(piece, { ...place, atByte: start + place.atByte - passed });
        isDone = true;
        strike.applied();
      }
      passed += length;
    }
    yield sent;
  }
  strike.missed();
}

async function wholeBody(strike: StrikeOf<'slow' | 'truncated' | 'flipped-bit'>, exchange: Exchange): Promise<Buffer> {
  const found: Buffer[] = [];
  for await (const piece of changed(Readable.from([exchange.request.content]), strike, exchange)) found.push(piece);
  return Buffer.concat(found);
}

/** What Node says of a connection that its client has reset. */
function connectionLost(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}
