import { dryRunOperation } from '../errors.js';
import type { Lifecycle } from '../lifecycle/index.js';
import type { Answer, Parameters } from '../query/index.js';
import type { Region } from '../state/index.js';

/** What an operation works on: the region of the request, and everything behind it. */
export interface OperationContext {
  readonly region: Region;
  readonly lifecycle: Lifecycle;
}

/** An action of the EC2 API: parameters in, elements of the answer out; throws `Ec2Error`. */
export type Operation = (parameters: Parameters, context: OperationContext) => Promise<Answer>;

/**
 * Builds an {@link Operation} of two steps: `parse` reads every parameter the action has into a typed request, `perform`
 * does it. What `parse` did not read is an `UnknownParameter`; a `DryRun` ends between the two.
 */
export function operation<Request>(steps: {
  readonly parse: (parameters: Parameters) => Request;
  readonly perform: (request: Request, context: OperationContext) => Answer | Promise<Answer>;
}): Operation {
  return async (parameters, context) => {
    const dryRun = parameters.flag('DryRun');
    const request = steps.parse(parameters);
    parameters.end();
    if (dryRun) throw dryRunOperation();
    return steps.perform(request, context);
  };
}
