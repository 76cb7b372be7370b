import type { Answer } from '../query/index.js';
import type { Instance, Region } from '../state/index.js';
import { tagSet, time } from './tag.js';

/** The disks of an instance, as DescribeInstances and DescribeInstanceAttribute list them. */
export function blockDeviceMapping(instanceId: string, region: Region): readonly Answer[] {
  return [...region.volumes.values()].flatMap(({ id, status }) => {
    if (status.kind !== 'in-use' || status.attachment.instanceId !== instanceId) return [];
    const { attachment } = status;
    return [
      {
        deviceName: attachment.device,
        ebs: {
          volumeId: id,
          // Instances know no `busy`.
          status: attachment.phase === 'busy' ? 'detaching' : attachment.phase,
          attachTime: time(attachment.attachedAtMs),
          deleteOnTermination: attachment.deleteOnTermination,
        },
      },
    ];
  });
}

/** An instance in DescribeInstances: what a tool that works with disks may ask for, no networking. */
export function instanceAnswer(instance: Instance, region: Region): Answer {
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: { code: 16, name: 'running' },
    privateDnsName: `ip-${instance.privateIp.replaceAll('.', '-')}.ec2.internal`,
    instanceType: instance.instanceType,
    launchTime: time(instance.launchedAtMs),
    placement: { availabilityZone: instance.zone, groupName: '', tenancy: 'default' },
    monitoring: { state: 'disabled' },
    privateIpAddress: instance.privateIp,
    architecture: 'x86_64',
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    blockDeviceMapping: blockDeviceMapping(instance.id, region),
    virtualizationType: 'hvm',
    hypervisor: 'xen',
    ebsOptimized: true,
    tagSet: tagSet(instance.tags),
  };
}
