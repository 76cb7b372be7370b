import type { Clock } from '../../src/core/index.js';
import { documentOperations } from '../server/service-operation.js';
import type { Service, ServiceRequest } from '../server/service.js';
import { dispatch, operationOf } from './dispatch.js';
import { errorBody, PricingError, refusals, statusOf } from './errors.js';
import { sendJson, type Answer } from './json-protocol.js';
import { operations } from './operations/index.js';
import { newPager, type Pager } from './paging.js';

/** The local Price List: list prices of EBS and S3 as of a day that the entries name. */
export function createPricingService({ clock }: { readonly clock: Clock }): Service {
  const pager = newPager({ clock });
  return {
    signingName: 'pricing',
    bodies: 'whole',
    operations: documentOperations([...operations.keys()]),
    operationOf,
    handle: async (request, response) => {
      sendJson(response, request.requestId, answer(request, pager));
      await Promise.resolve();
    },
    refuse: ({ kind, message }, { requestId }, response) => {
      const { status, code } = refusals[kind];
      sendJson(response, requestId, { status, body: errorBody(code, message) });
    },
    close: () => Promise.resolve(),
  };
}

function answer(request: ServiceRequest, pager: Pager): Answer {
  try {
    return { status: 200, body: dispatch(request, pager) };
  } catch (error) {
    if (!(error instanceof PricingError)) throw error;
    return { status: statusOf(error.code), body: errorBody(error.code, error.message) };
  }
}
