import type { Access, Caller } from '../../server/caller.js';
import { dryRunOperation } from '../errors.js';
import type { Lifecycle } from '../lifecycle/index.js';
import type { Answer, Parameters } from '../query/index.js';
import type { Region } from '../state/index.js';

/** What an operation works on: the region of the request, everything behind it, and who asks. */
export interface OperationContext {
  readonly region: Region;
  readonly lifecycle: Lifecycle;
  readonly caller: Caller;
}

/** An action of the EC2 API: parameters in, elements of the answer out; throws `Ec2Error`, and `Refusal` for no access. */
export type Operation = (parameters: Parameters, context: OperationContext) => Promise<Answer>;

/**
 * Builds an {@link Operation} of three steps: `parse` reads every parameter the action has into a typed request, `access`
 * says what IAM checks for it, `perform` does it. What `parse` did not read is an `UnknownParameter`; a `DryRun` ends
 * before the third step, so it answers `DryRunOperation` only to who might.
 */
export function operation<Request>(steps: {
  readonly parse: (parameters: Parameters) => Request;
  /** Throws the `NotFound` of a resource that is not there: EC2 looks for it before it asks policies. */
  readonly access: (request: Request, context: OperationContext) => readonly Access[];
  readonly perform: (request: Request, context: OperationContext) => Answer | Promise<Answer>;
}): Operation {
  return async (parameters, context) => {
    const dryRun = parameters.flag('DryRun');
    const request = steps.parse(parameters);
    parameters.end();
    for (const access of steps.access(request, context)) context.caller.authorize(access);
    if (dryRun) throw dryRunOperation();
    return steps.perform(request, context);
  };
}
