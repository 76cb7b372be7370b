import type { Exchange } from '../server/pipeline.js';
import { Refusal, type RefusalKind } from '../server/refusal.js';
import { bodyOf } from './applicable.js';
import { hangAfter, hangBefore, resetAfter, resetBefore } from './connection.js';
import type { Course } from './course.js';
import type { Strike } from './injected-fault.js';
import { faultyRequestBody } from './request-body.js';
import { faultyResponseBody } from './response-body.js';
import { serviceFault } from './service-faults.js';

/** Commits a fault on one request. Throws `Refusal`. */
export async function commit(strike: Strike, exchange: Exchange, course: Course): Promise<void> {
  const { fault } = strike;
  switch (fault.kind) {
    case 'throttled':
    case 'internal-error':
    case 'unavailable':
    case 'expired-token':
      strike.applied();
      throw new Refusal(fault.kind, refusals[fault.kind]);
    case 'reset':
      if (fault.when === 'after') await resetAfter(strike, exchange, course);
      else resetBefore(strike, exchange);
      return;
    case 'hang':
      if (fault.when === 'after') await hangAfter({ ...strike, fault }, exchange, course);
      else await hangBefore({ ...strike, fault }, exchange, course);
      return;
    case 'slow':
    case 'truncated':
    case 'flipped-bit':
      if (bodyOf(fault, strike.operation) === 'request')
        await faultyRequestBody({ ...strike, fault }, exchange, course);
      else await faultyResponseBody({ ...strike, fault }, exchange, course);
      return;
    case 'error-in-200':
    case 'stuck':
    case 'busy':
    case 'ends-in-error':
    case 'late':
      await course.next({
        ...exchange,
        request: { ...exchange.request, fault: serviceFault({ ...strike, fault }) },
      });
  }
}

/** The sentences are S3's and EC2's own where they have one; the services add their codes. */
const refusals = {
  throttled: 'Please reduce your request rate.',
  'internal-error': 'We encountered an internal error. Please try again.',
  unavailable: 'The service is unable to handle the request.',
  'expired-token': 'The provided token has expired.',
} as const satisfies Partial<Record<RefusalKind, string>>;
