import { onAnything } from '../access/index.js';
import { volumeAnswer } from '../answers/index.js';
import { checkId } from '../ids.js';
import { pageOf, passes, readFilters, readPage, type Filterable } from '../query/index.js';
import type { Attachment, Volume } from '../state/index.js';
import { operation } from './operation.js';
import { volumeOf } from './resources.js';

const action = 'DescribeVolumes';

/** DescribeVolumes. */
export const describeVolumes = operation({
  parse: (parameters) => {
    const volumeIds = parameters.list('VolumeId').map((id) => checkId('volume', id, 'volumes'));
    const idList = { name: 'volumeSet', given: volumeIds.length > 0 };
    return {
      volumeIds,
      filters: readFilters(parameters, filterable),
      page: readPage(parameters, { action, least: 5, most: 1000, idList }),
    };
  },
  access: (_, context) => onAnything(action, context),
  perform: (request, context) => {
    const named = request.volumeIds.map((id) => volumeOf(id, context));
    const page = pageOf(named.length > 0 ? named : context.region.volumes.values(), request.page, {
      action,
      place: ({ sequence }) => [sequence, 0],
      passes: (volume) => passes(volume, request.filters),
    });
    return { volumeSet: page.items.map(volumeAnswer), nextToken: page.nextToken };
  },
});

const filterable: Filterable<Volume> = {
  tagsOf: (volume) => volume.tags,
  fields: {
    'attachment.attach-time': ofAttachment(({ attachedAtMs }) => new Date(attachedAtMs).toISOString()),
    'attachment.delete-on-termination': ofAttachment(({ deleteOnTermination }) => String(deleteOnTermination)),
    'attachment.device': ofAttachment(({ device }) => device),
    'attachment.instance-id': ofAttachment(({ instanceId }) => instanceId),
    'attachment.status': ofAttachment(({ phase }) => phase),
    'availability-zone': ({ zone }) => [zone],
    'create-time': ({ createdAtMs }) => [new Date(createdAtMs).toISOString()],
    encrypted: ({ encrypted }) => [String(encrypted)],
    'multi-attach-enabled': () => ['false'],
    size: ({ sizeGiB }) => [String(sizeGiB)],
    'snapshot-id': ({ snapshotId }) => (snapshotId === '' ? [] : [snapshotId]),
    status: ({ status }) => [status.kind],
    'tag-key': ({ tags }) => tags.map(({ key }) => key),
    'volume-id': ({ id }) => [id],
    'volume-type': ({ volumeType }) => [volumeType],
  },
};

function ofAttachment(value: (attachment: Attachment) => string): (volume: Volume) => readonly string[] {
  return ({ status }) => (status.kind === 'in-use' ? [value(status.attachment)] : []);
}
