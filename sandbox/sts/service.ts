import { queryAction } from '../server/query-protocol.js';
import { documentOperations } from '../server/service-operation.js';
import type { Service } from '../server/service.js';
import { dispatcher, refuse, type Account } from './dispatch.js';
import { operations, unsignedOperations } from './operations/index.js';

/** The local STS. All regions are one. */
export function createStsService(account: Account): Service {
  return {
    signingName: 'sts',
    bodies: 'whole',
    operations: documentOperations([...operations.keys()]),
    unsignedOperations,
    operationOf: (request) => {
      const action = queryAction(request);
      return action !== undefined && operations.has(action) ? action : undefined;
    },
    refuse,
    handle: dispatcher(account),
    close: () => Promise.resolve(),
  };
}
