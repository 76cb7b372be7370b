import { documentOperations, type ServiceOperation } from '../server/service-operation.js';
import { readQueryRequest, MalformedQuery } from '../server/query-protocol.js';
import type { ServiceFaultKind } from '../server/service-fault.js';
import type { Particulars, ServiceRequest } from '../server/service.js';
import { operations } from './operations/index.js';

/** What goes on after the answer, and can stop: which state it stops in is the lifecycle's. */
const stuckable = new Set(['AttachVolume', 'DetachVolume', 'CreateVolume', 'DeleteVolume', 'CreateSnapshot']);
const failable = new Set(['CreateVolume', 'CreateSnapshot']);

/** Whether an action only looks. */
export function isRead(action: string): boolean {
  return /^(?:Describe|Get|List)/.test(action);
}

/** What faults must know of the operations. */
export const serviceOperations: readonly ServiceOperation[] = documentOperations(operations.keys()).map((operation) => {
  const { name } = operation;
  const faults: ServiceFaultKind[] = [
    ...(stuckable.has(name) ? (['stuck'] as const) : []),
    ...(name === 'DetachVolume' ? (['busy'] as const) : []),
    ...(failable.has(name) ? (['ends-in-error'] as const) : []),
    ...(isRead(name) ? [] : (['late'] as const)),
  ];
  return { ...operation, faults };
});

/** What requests to EC2 can be told apart by: the ids in them, of whatever type. */
export const particulars: Particulars = {
  names: ['resource'],
  read: (request) => ({ resource: idsIn(request) }),
};

function idsIn(request: ServiceRequest): readonly string[] {
  try {
    const values = [...readQueryRequest(request).parameters.values()];
    return values.filter((value) => /^[a-z]+-(?:[0-9a-f]{8}|[0-9a-f]{17})$/.test(value));
  } catch (error) {
    if (error instanceof MalformedQuery) return [];
    throw error;
  }
}
