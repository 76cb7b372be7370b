import type { Clock } from '../../../src/core/index.js';
import type { Identities } from '../../iam/index.js';
import type { Caller } from '../../server/caller.js';
import type { XmlElement } from '../../server/xml.js';
import type { Parameters } from '../parameters.js';
import type { IdentityProvider } from '../web-identity-token.js';

/** What an operation works on, and for whom. */
export interface OperationContext {
  readonly caller: Caller;
  /** Whether the key of the request is a temporary one. */
  readonly isSession: boolean;
  /** The region of the request. */
  readonly region: string;
  readonly identities: Identities;
  /** Whose tokens are taken. */
  readonly identityProviders: readonly IdentityProvider[];
  readonly clock: Clock;
}

/** An action of the STS API: parameters in, elements of its result out; throws `StsError` and `Refusal`. */
export type Operation = (parameters: Parameters, context: OperationContext) => readonly XmlElement[];

/** Builds an {@link Operation} of two steps: `parse` reads every parameter the action has, `perform` does it. */
export function operation<Request>(steps: {
  readonly parse: (parameters: Parameters) => Request;
  readonly perform: (request: Request, context: OperationContext) => ReturnType<Operation>;
}): Operation {
  return (parameters, context) => {
    const request = steps.parse(parameters);
    parameters.end();
    return steps.perform(request, context);
  };
}
