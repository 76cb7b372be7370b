import type { ServiceRequest } from '../server/service.js';
import { PricingError } from './errors.js';
import { operations } from './operations/index.js';
import type { Pager } from './paging.js';

/** Operations that the service has in AWS and the sandbox has not. */
const missing = new Set(['GetPriceListFileUrl', 'ListPriceLists']);

/** Where the service has endpoints (botocore's endpoints.json). */
const regions = new Set(['us-east-1', 'eu-central-1', 'ap-south-1']);

/** The operation that a request asks for, whether the sandbox has it or not; undefined for a request that is none. */
export function operationOf({ method, headers }: ServiceRequest): string | undefined {
  const target = headers['x-amz-target'];
  const name = typeof target === 'string' ? /^AWSPriceListService\.(\w+)$/.exec(target)?.[1] : undefined;
  return method === 'POST' && name !== undefined && (operations.has(name) || missing.has(name)) ? name : undefined;
}

/** Runs the operation of a request. Throws {@link PricingError}, and a Refusal where policies do not allow it. */
export function dispatch(request: ServiceRequest, pager: Pager): unknown {
  if (!regions.has(request.region)) {
    const message = `Credential should be scoped to a valid region, not '${request.region}'.`;
    throw new PricingError('InvalidSignatureException', message);
  }
  const name = operationOf(request);
  if (name === undefined)
    throw new PricingError('UnknownOperationException', 'The Price List service has no such operation.');
  request.caller.authorize({ action: `pricing:${name}`, resource: '*' });
  const operation = operations.get(name);
  if (operation === undefined) {
    throw new PricingError('NotImplemented', `The sandbox does not implement pricing:${name}.`);
  }
  return operation.run(parseBody(request.content), pager);
}

function parseBody(content: Buffer): unknown {
  try {
    return content.length === 0 ? {} : JSON.parse(content.toString('utf8'));
  } catch {
    throw new PricingError('SerializationException', 'The body of the request is not JSON.');
  }
}
