import { MetadataService } from '@aws-sdk/ec2-metadata-service';
import { z } from 'zod';
import { AppError, instanceId } from '../core/index.js';
import type { Instance } from './volume.js';

const identityDocument = z.object({
  instanceId: z.string(),
  availabilityZone: z.string(),
  region: z.string(),
});

/** Asks the instance metadata service (version 2) where we run. Throws `no-instance-metadata` within a few seconds. */
export async function currentInstance(): Promise<Instance> {
  try {
    const service = new MetadataService({ httpOptions: { timeout: 3_000 } });
    const document: unknown = JSON.parse(await service.request('/latest/dynamic/instance-identity/document', {}));
    const identity = identityDocument.parse(document);
    return { ...identity, instanceId: instanceId(identity.instanceId) };
  } catch (error) {
    throw new AppError('no-instance-metadata', 'The EC2 instance metadata service does not answer.', {
      cause: error,
      hint:
        'Run this on an EC2 instance with the metadata service enabled and reachable at 169.254.169.254, ' +
        'or try it on the local AWS: snap-to-s3 sandbox start',
    });
  }
}
