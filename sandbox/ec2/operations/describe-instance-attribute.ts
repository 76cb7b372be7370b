import { onInstance } from '../access/index.js';
import { blockDeviceMapping } from '../answers/index.js';
import { notImplemented } from '../errors.js';
import { checkId } from '../ids.js';
import type { Answer } from '../query/index.js';
import { operation } from './operation.js';
import { instanceOf } from './resources.js';

/** DescribeInstanceAttribute, for the attributes that concern disks. */
export const describeInstanceAttribute = operation({
  parse: (parameters) => ({
    instanceId: checkId('instance', parameters.required('InstanceId'), 'instanceId'),
    attribute: parameters.required('Attribute'),
  }),
  access: ({ instanceId }, context) => [
    onInstance('DescribeInstanceAttribute', instanceOf(instanceId, context), { context }),
  ],
  perform: ({ instanceId, attribute }, context): Answer => {
    const instance = instanceOf(instanceId, context);
    switch (attribute) {
      case 'blockDeviceMapping':
        return { instanceId, blockDeviceMapping: blockDeviceMapping(instanceId, context.region) };
      case 'instanceType':
        return { instanceId, instanceType: { value: instance.instanceType } };
      case 'rootDeviceName':
        return { instanceId, rootDeviceName: { value: '/dev/xvda' } };
      default:
        throw notImplemented(`DescribeInstanceAttribute for the attribute '${attribute}'`);
    }
  },
});
