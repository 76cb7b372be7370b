import type { Caller, Instance } from '../../source/index.js';
import { checkBucket } from './bucket.js';
import { bucketPermissionsNotChecked, checkBucketPermissions } from './bucket-permissions.js';
import { checkClock } from './clock.js';
import type { Cloud } from './cloud.js';
import { checkCredentials } from './credentials.js';
import { checkEc2Permissions, ec2PermissionsNotChecked } from './ec2-permissions.js';
import { failureOf, findingsOf, type Finding } from './finding.js';
import { checkMachine, type MachineFacts, type MachineRequest } from './machine.js';
import { checkPlace } from './place.js';

/** What is looked at. */
export interface DoctorRequest extends MachineRequest {
  /** Undefined: no bucket is looked at. */
  readonly bucket: string | undefined;
  /** The key of the state tag, and the mark on temporary volumes. */
  readonly tag: string;
}

/** Everything outside that looking takes. */
export interface DoctorDependencies {
  readonly machine: MachineFacts;
  /** Throws `no-instance-metadata`. */
  readonly findInstance: () => Promise<Instance>;
  /** The region where the metadata service names none. */
  readonly otherRegion: string | undefined;
  /** AWS in a region, with the bucket that is looked at. */
  readonly connect: (region: string) => Cloud;
  /** Unique for this run. */
  readonly runId: string;
  readonly signal: AbortSignal;
}

const aws = findingsOf('aws');
const bucket = findingsOf('bucket');

/**
 * Looks at everything that `migrate` needs and tells it finding by finding. A check that fails stops no other; those that
 * cannot be made without it say so. Changes nothing but a probe object and a probe upload in the bucket, which are
 * removed again. Rejects only when the signal has aborted.
 */
export async function* doctor(request: DoctorRequest, dependencies: DoctorDependencies): AsyncGenerator<Finding> {
  const { connect, findInstance, otherRegion, signal } = dependencies;
  yield* checkMachine(request, dependencies);
  const instance = yield* checkPlace(findInstance);
  signal.throwIfAborted();
  const region = instance?.region ?? otherRegion;
  if (region === undefined) {
    const because = 'neither the metadata service nor AWS_REGION says in which region this is';
    yield aws.notChecked('credentials', because);
    yield aws.notChecked('clock', because);
    yield* cloudNotChecked(because);
    return;
  }
  using cloud = connect(region);
  const access = yield* checkCredentials(cloud, signal);
  const { ec2, dryRuns } = cloud;
  // STS may be out of reach; for the clock any answer will do.
  if (access.kind === 'usable') await failureOf(() => dryRuns.describeSnapshots(signal), signal);
  yield checkClock(cloud.clockOffsets());
  if (access.kind === 'unusable') {
    yield* cloudNotChecked(access.because);
    return;
  }
  yield* checkStore(cloud, { region, caller: access.caller, dependencies });
  yield* checkEc2Permissions({ ec2, dryRuns, tag: request.tag, instance, signal });
}

function* cloudNotChecked(because: string): Generator<Finding> {
  yield bucket.notChecked('bucket', because);
  yield* bucketPermissionsNotChecked(because);
  yield* ec2PermissionsNotChecked(because);
}

async function* checkStore(
  { store }: Cloud,
  {
    region,
    caller,
    dependencies: { runId, signal },
  }: {
    readonly region: string;
    readonly caller: Caller | undefined;
    readonly dependencies: DoctorDependencies;
  },
): AsyncGenerator<Finding> {
  if (store === undefined) {
    yield bucket.unknown(
      'bucket',
      'Not checked, because no bucket is named.',
      'Name it: snap-to-s3 doctor --bucket backups.example.com',
    );
    return;
  }
  const isThere = yield* checkBucket(store, { region, caller, signal });
  if (isThere) yield* checkBucketPermissions(store, { runId, signal });
  else yield* bucketPermissionsNotChecked('the bucket cannot be used');
}
