import type { FilteredResponse } from './filtered-response.js';
import type { Service, ServiceRequest } from './service.js';

/** A request on its way to the service that the router found for it. */
export interface Exchange {
  readonly service: Service;
  readonly request: ServiceRequest;
  readonly response: FilteredResponse;
}

/**
 * Stands between the router and the services: verifies signatures, enforces policies, injects faults. Either answers
 * itself, or hands the exchange on with `next`, which may be another one (a wrapped body, say).
 */
export type Stage = (exchange: Exchange, next: (exchange: Exchange) => Promise<void>) => Promise<void>;

/** Leads an exchange through the stages, the first one first, and to its service. */
export async function runStages(stages: readonly Stage[], exchange: Exchange): Promise<void> {
  const [stage, ...others] = stages;
  if (stage === undefined) await exchange.service.handle(exchange.request, exchange.response);
  else await stage(exchange, (handedOn) => runStages(others, handedOn));
}
