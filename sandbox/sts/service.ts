import type { Identities } from '../iam/index.js';
import { queryAction } from '../server/query-protocol.js';
import { documentOperations } from '../server/service-operation.js';
import type { Service } from '../server/service.js';
import { dispatcher, refuse } from './dispatch.js';
import { operations } from './operations/index.js';

/** What STS needs. */
export interface StsServiceOptions {
  /** Whose keys it issues. */
  readonly identities: Identities;
}

/** The local STS. All regions are one. */
export function createStsService({ identities }: StsServiceOptions): Service {
  return {
    signingName: 'sts',
    bodies: 'whole',
    operations: documentOperations([...operations.keys()]),
    operationOf: (request) => {
      const action = queryAction(request);
      return action !== undefined && operations.has(action) ? action : undefined;
    },
    refuse,
    handle: dispatcher(identities),
    close: () => Promise.resolve(),
  };
}
