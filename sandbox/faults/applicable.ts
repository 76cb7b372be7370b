import type { ServiceOperation } from '../server/service-operation.js';
import type { Service } from '../server/service.js';
import type { Fault } from './fault.js';

/** What a service must tell of itself for faults. */
export type FaultyService = Pick<Service, 'signingName' | 'bodies' | 'operations' | 'particulars'>;

/** The body that a fault of a body is about. */
export function bodyOf(
  { body }: { readonly body?: 'request' | 'response' | undefined },
  operation: ServiceOperation,
): 'request' | 'response' {
  return body ?? (operation.givesBody ? 'response' : 'request');
}

/** Whether an operation can have a fault at all. */
export function canHave(fault: Fault, operation: ServiceOperation, { bodies }: FaultyService): boolean {
  switch (fault.kind) {
    case 'slow':
    case 'truncated':
      // A body that the service wants whole has been read before any fault can touch it.
      if (bodyOf(fault, operation) === 'response') return operation.givesBody;
      return operation.takesBody && bodies === 'streamed';
    case 'flipped-bit':
      return bodyOf(fault, operation) === 'response' ? operation.givesBody : operation.takesBody;
    case 'error-in-200':
    case 'stuck':
    case 'busy':
    case 'ends-in-error':
    case 'late':
      return operation.faults.includes(fault.kind);
    case 'throttled':
    case 'internal-error':
    case 'unavailable':
    case 'expired-token':
    case 'reset':
    case 'hang':
      return true;
  }
}
