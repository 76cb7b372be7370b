import { attachVolume } from './attach-volume.js';
import { createSnapshot } from './create-snapshot.js';
import { createVolume } from './create-volume.js';
import { deleteSnapshot } from './delete-snapshot.js';
import { deleteVolume } from './delete-volume.js';
import { describeInstanceAttribute } from './describe-instance-attribute.js';
import { describeInstances } from './describe-instances.js';
import { describeAvailabilityZones, describeRegions } from './describe-places.js';
import { describeSnapshots } from './describe-snapshots.js';
import { describeTags } from './describe-tags.js';
import { describeVolumes } from './describe-volumes.js';
import { detachVolume } from './detach-volume.js';
import type { Operation } from './operation.js';
import { createTags, deleteTags } from './tags.js';

export type { Operation, OperationContext } from './operation.js';

/** Every action that the sandbox knows. Any other is answered with the error `NotImplemented`. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['AttachVolume', attachVolume],
  ['CreateSnapshot', createSnapshot],
  ['CreateTags', createTags],
  ['CreateVolume', createVolume],
  ['DeleteSnapshot', deleteSnapshot],
  ['DeleteTags', deleteTags],
  ['DeleteVolume', deleteVolume],
  ['DescribeAvailabilityZones', describeAvailabilityZones],
  ['DescribeInstanceAttribute', describeInstanceAttribute],
  ['DescribeInstances', describeInstances],
  ['DescribeRegions', describeRegions],
  ['DescribeSnapshots', describeSnapshots],
  ['DescribeTags', describeTags],
  ['DescribeVolumes', describeVolumes],
  ['DetachVolume', detachVolume],
]);
