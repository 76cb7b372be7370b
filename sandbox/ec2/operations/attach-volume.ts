import { onInstance, onVolume } from '../access/index.js';
import { attachmentAnswer } from '../answers/index.js';
import { Ec2Error, incorrectState, invalidParameterValue, notImplemented, volumeInUse } from '../errors.js';
import { checkId } from '../ids.js';
import { continueAttaching } from '../lifecycle/index.js';
import type { Attachment, Instance, Volume } from '../state/index.js';
import { operation, type OperationContext } from './operation.js';
import { instanceOf, volumeOf } from './resources.js';

/** Volumes that a Nitro instance can have, its root volume and network interface counted in: 28. */
const mostAttachments = 27;

/** AttachVolume. Answers `attaching`; the device appears on this machine afterwards. */
export const attachVolume = operation({
  parse: (parameters) => {
    if (parameters.text('EbsCardIndex') !== undefined) throw notImplemented('AttachVolume with EbsCardIndex');
    return {
      volumeId: checkId('volume', parameters.required('VolumeId'), 'volumeId'),
      instanceId: checkId('instance', parameters.required('InstanceId'), 'instanceId'),
      device: checkDevice(parameters.required('Device')),
    };
  },
  access: ({ volumeId, instanceId }, context) => [
    onVolume('AttachVolume', volumeOf(volumeId, context), { context }),
    onInstance('AttachVolume', instanceOf(instanceId, context), { context }),
  ],
  perform: async ({ volumeId, instanceId, device }, context) => {
    const { region, lifecycle } = context;
    const volume = volumeOf(volumeId, context);
    const instance = instanceOf(instanceId, context);
    checkAvailable(volume);
    if (volume.zone !== instance.zone) {
      throw new Ec2Error(
        'InvalidVolume.ZoneMismatch',
        `The volume '${volumeId}' is not in the same availability zone as instance '${instanceId}'`,
      );
    }
    checkAttachmentPoint(device, instance, context);
    if (!lifecycle.devices.usable) {
      throw new Ec2Error(
        'UnsupportedOperation',
        'The sandbox must run as root to attach volumes to this machine. Start it with sudo.',
      );
    }
    const attachment: Attachment = {
      instanceId,
      device,
      attachedAtMs: lifecycle.clock.now(),
      deleteOnTermination: false,
      phase: 'attaching',
      backing: 'loop',
    };
    const attaching = { ...volume, status: { kind: 'in-use', attachment } } as const;
    region.putVolume(attaching);
    await lifecycle.state.save();
    continueAttaching(attaching, region, lifecycle);
    return attachmentAnswer(volumeId, attachment, 'attaching');
  },
});

function checkAvailable({ id, status }: Volume): void {
  if (status.kind === 'in-use') throw volumeInUse(`${id} is already attached to an instance`);
  if (status.kind !== 'available') throw incorrectState(`${id} is not 'available'.`);
}

function checkAttachmentPoint(device: string, instance: Instance, { region }: OperationContext): void {
  const taken = [...region.volumes.values()].flatMap(({ status }) =>
    status.kind === 'in-use' && status.attachment.instanceId === instance.id ? [status.attachment.device] : [],
  );
  if (taken.includes(device)) {
    throw invalidParameterValue(
      `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
    );
  }
  if (taken.length >= mostAttachments) {
    throw new Ec2Error('AttachmentLimitExceeded', `${instance.id} has reached its volume attachment limit`);
  }
}

/** The names that EC2 takes for Linux instances: `/dev/sda` to `/dev/sdz9`, `/dev/xvda` to `/dev/xvdzz`. */
function checkDevice(device: string): string {
  if (/^\/dev\/(?:sd[a-z](?:[1-9]|1[0-5])?|xvd[a-z]{1,2})$/.test(device)) return device;
  throw invalidParameterValue(
    `Value (${device}) for parameter device is invalid. ${device} is not a valid EBS device name.`,
  );
}
