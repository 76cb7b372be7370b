import { onAnything } from '../access/index.js';
import { instanceAnswer } from '../answers/index.js';
import { checkId } from '../ids.js';
import { pageOf, passes, readFilters, readPage, type Filterable } from '../query/index.js';
import type { Instance } from '../state/index.js';
import { operation } from './operation.js';
import { instanceOf, instances } from './resources.js';

const action = 'DescribeInstances';

/** DescribeInstances, with what a tool that works with disks may ask for. */
export const describeInstances = operation({
  parse: (parameters) => {
    const instanceIds = parameters.list('InstanceId').map((id) => checkId('instance', id, 'instanceId'));
    const idList = { name: 'instancesSet', given: instanceIds.length > 0 };
    return {
      instanceIds,
      filters: readFilters(parameters, filterable),
      page: readPage(parameters, { action, least: 5, most: 1000, idList }),
    };
  },
  access: (_, context) => onAnything(action, context),
  perform: (request, context) => {
    const named = request.instanceIds.map((id) => instanceOf(id, context));
    const all = named.length > 0 ? named : instances(context);
    const page = pageOf(all, request.page, {
      action,
      place: () => [0, 0],
      passes: (instance) => passes(instance, request.filters),
    });
    return {
      reservationSet: page.items.map((instance) => ({
        reservationId: instance.id.replace(/^i-/, 'r-'),
        ownerId: instance.accountId,
        instancesSet: [instanceAnswer(instance, context.region)],
      })),
      nextToken: page.nextToken,
    };
  },
});

const filterable: Filterable<Instance> = {
  tagsOf: (instance) => instance.tags,
  fields: {
    'availability-zone': ({ zone }) => [zone],
    'image-id': ({ imageId }) => [imageId],
    'instance-id': ({ id }) => [id],
    'instance-state-code': () => ['16'],
    'instance-state-name': () => ['running'],
    'instance-type': ({ instanceType }) => [instanceType],
    'owner-id': ({ accountId }) => [accountId],
    'private-ip-address': ({ privateIp }) => [privateIp],
    'root-device-name': () => ['/dev/xvda'],
    'tag-key': ({ tags }) => tags.map(({ key }) => key),
  },
};
