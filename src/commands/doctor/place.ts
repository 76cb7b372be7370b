import { toAppError } from '../../core/index.js';
import type { Instance } from '../../source/index.js';
import { findingsOf, type Finding } from './finding.js';

const findings = findingsOf('aws');

/** Asks the metadata service where this is, and returns it besides the finding; undefined where it does not say. */
export async function* checkPlace(
  findInstance: () => Promise<Instance>,
): AsyncGenerator<Finding, Instance | undefined> {
  try {
    const instance = await findInstance();
    const { instanceId, availabilityZone, region } = instance;
    yield findings.ok(
      'metadata',
      `The metadata service says that this is ${instanceId} in ${availabilityZone} (region ${region}).`,
    );
    return instance;
  } catch (error) {
    const { message, hint } = toAppError(error);
    yield findings.failed('metadata', message, hint);
    return undefined;
  }
}
