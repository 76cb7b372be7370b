import { attachVolume } from './attach-volume.js';
import { copySnapshot } from './copy-snapshot.js';
import { createSnapshot } from './create-snapshot.js';
import { createVolume } from './create-volume.js';
import { deleteSnapshot } from './delete-snapshot.js';
import { deleteVolume } from './delete-volume.js';
import { describeInstanceAttribute } from './describe-instance-attribute.js';
import { describeInstances } from './describe-instances.js';
import { describeAvailabilityZones, describeRegions } from './describe-places.js';
import { describeSnapshotTierStatus } from './describe-snapshot-tier-status.js';
import { describeSnapshots } from './describe-snapshots.js';
import { describeTags } from './describe-tags.js';
import { describeVolumes } from './describe-volumes.js';
import { detachVolume } from './detach-volume.js';
import {
  disableEbsEncryptionByDefault,
  enableEbsEncryptionByDefault,
  getEbsDefaultKmsKeyId,
  getEbsEncryptionByDefault,
} from './encryption-by-default.js';
import { modifySnapshotTier } from './modify-snapshot-tier.js';
import type { Operation } from './operation.js';
import { restoreSnapshotTier } from './restore-snapshot-tier.js';
import { describeSnapshotAttribute, modifySnapshotAttribute, resetSnapshotAttribute } from './snapshot-attribute.js';
import { createTags, deleteTags } from './tags.js';

export type { Operation, OperationContext } from './operation.js';

/** Every action that the sandbox knows. Any other is answered with the error `NotImplemented`. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['AttachVolume', attachVolume],
  ['CopySnapshot', copySnapshot],
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
  ['DescribeSnapshotAttribute', describeSnapshotAttribute],
  ['DescribeSnapshotTierStatus', describeSnapshotTierStatus],
  ['DescribeSnapshots', describeSnapshots],
  ['DescribeTags', describeTags],
  ['DescribeVolumes', describeVolumes],
  ['DetachVolume', detachVolume],
  ['DisableEbsEncryptionByDefault', disableEbsEncryptionByDefault],
  ['EnableEbsEncryptionByDefault', enableEbsEncryptionByDefault],
  ['GetEbsDefaultKmsKeyId', getEbsDefaultKmsKeyId],
  ['GetEbsEncryptionByDefault', getEbsEncryptionByDefault],
  ['ModifySnapshotAttribute', modifySnapshotAttribute],
  ['ModifySnapshotTier', modifySnapshotTier],
  ['ResetSnapshotAttribute', resetSnapshotAttribute],
  ['RestoreSnapshotTier', restoreSnapshotTier],
]);
