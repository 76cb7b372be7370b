import type { Answer } from '../query/index.js';
import type { Attachment, Volume } from '../state/index.js';
import { tagSet, time } from './tag.js';

/** A volume in DescribeVolumes, and the whole answer of CreateVolume. */
export function volumeAnswer(volume: Volume): Answer {
  return {
    volumeId: volume.id,
    size: volume.sizeGiB,
    snapshotId: volume.snapshotId,
    availabilityZone: volume.zone,
    status: volume.status.kind,
    createTime: time(volume.createdAtMs),
    attachmentSet:
      volume.status.kind === 'in-use'
        ? [attachmentAnswer(volume.id, volume.status.attachment, volume.status.attachment.phase)]
        : [],
    tagSet: tagSet(volume.tags),
    volumeType: volume.volumeType,
    ...(volume.iops === null ? {} : { iops: volume.iops }),
    ...(volume.throughput === null ? {} : { throughput: volume.throughput }),
    encrypted: volume.encrypted,
    ...(volume.kmsKeyId === null ? {} : { kmsKeyId: volume.kmsKeyId }),
    multiAttachEnabled: false,
  };
}

/** An attachment in DescribeVolumes, and the whole answer of AttachVolume and DetachVolume. */
export function attachmentAnswer(volumeId: string, attachment: Attachment, status: Attachment['phase']): Answer {
  return {
    volumeId,
    instanceId: attachment.instanceId,
    device: attachment.device,
    status,
    attachTime: time(attachment.attachedAtMs),
    deleteOnTermination: attachment.deleteOnTermination,
  };
}
