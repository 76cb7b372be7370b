import type { BodyFilter, FilteredResponse } from '../server/filtered-response.js';
import type { Exchange } from '../server/pipeline.js';
import type { Course } from './course.js';
import { flipped, placeOf, type Place } from './flip.js';
import type { StrikeOf } from './injected-fault.js';
import { newPace } from './pace.js';

/** Lets the body of the answer be slow, end too early or have a flipped bit. */
export async function faultyResponseBody(
  strike: StrikeOf<'slow' | 'truncated' | 'flipped-bit'>,
  exchange: Exchange,
  { next }: Course,
): Promise<void> {
  const { fault } = strike;
  const { response } = exchange;
  switch (fault.kind) {
    case 'slow':
      response.addFilter(slow({ ...strike, fault }));
      break;
    case 'truncated':
      response.addFilter(truncated({ ...strike, fault }, response));
      break;
    case 'flipped-bit':
      response.addFilter(withFlippedBit({ ...strike, fault }, response));
      break;
  }
  await next(exchange);
}

function slow(strike: StrikeOf<'slow'>): BodyFilter {
  const { bytesPerSecond } = strike.fault;
  const pace = newPace({ bytesPerSecond, clock: strike.clock, signal: strike.over, onWait: strike.applied });
  return {
    pass: async (bytes, send) => {
      for await (const piece of pace(bytes)) await send(piece);
    },
    end: ended(strike),
  };
}

function truncated(strike: StrikeOf<'truncated'>, response: FilteredResponse): BodyFilter {
  let left = strike.fault.afterBytes;
  return {
    pass: async (bytes, send) => {
      await send(bytes.subarray(0, left));
      if (bytes.length > left) {
        strike.applied();
        response.cut();
      }
      left = Math.max(0, left - bytes.length);
    },
    end: ended(strike),
  };
}

function withFlippedBit(strike: StrikeOf<'flipped-bit'>, response: FilteredResponse): BodyFilter {
  let place: Place | undefined;
  let passed = 0;
  let isDone = false;
  return {
    pass: async (bytes, send) => {
      place ??= placeOf(strike, response.promisedBytes ?? bytes.length);
      const atByte = place.atByte - passed;
      passed += bytes.length;
      if (isDone || atByte >= bytes.length) {
        await send(bytes);
        return;
      }
      isDone = true;
      strike.applied();
      await send(flipped(bytes, { ...place, atByte }));
    },
    end: ended(strike),
  };
}

/** What has not struck a body by its end is free for another one before the client can ask for it. */
function ended(strike: StrikeOf<'slow' | 'truncated' | 'flipped-bit'>): () => Promise<void> {
  return () => {
    strike.missed();
    return Promise.resolve();
  };
}
