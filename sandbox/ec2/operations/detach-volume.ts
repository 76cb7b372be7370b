import { onInstance, onVolume } from '../access/index.js';
import { attachmentAnswer } from '../answers/index.js';
import { Ec2Error, incorrectState } from '../errors.js';
import { checkId } from '../ids.js';
import { continueDetaching, detachByForce } from '../lifecycle/index.js';
import type { Attachment } from '../state/index.js';
import { operation } from './operation.js';
import { instances, volumeOf } from './resources.js';

/** DetachVolume. Answers `detaching`; while the machine uses the device it stays so, unless `Force` is asked for. */
export const detachVolume = operation({
  parse: (parameters) => {
    const instanceId = parameters.text('InstanceId');
    return {
      volumeId: checkId('volume', parameters.required('VolumeId'), 'volumeId'),
      instanceId: instanceId === undefined ? undefined : checkId('instance', instanceId, 'instanceId'),
      device: parameters.text('Device'),
      force: parameters.flag('Force'),
    };
  },
  access: (request, context) => {
    const volume = volumeOf(request.volumeId, context);
    // Where the request names no instance, it means the one that the volume hangs on.
    const attached = volume.status.kind === 'in-use' ? volume.status.attachment.instanceId : undefined;
    const instance = instances(context).find(({ id }) => id === (request.instanceId ?? attached));
    return [
      onVolume('DetachVolume', volume, { context }),
      ...(instance === undefined ? [] : [onInstance('DetachVolume', instance, { context })]),
    ];
  },
  perform: async (request, context) => {
    const { region, lifecycle } = context;
    const volume = volumeOf(request.volumeId, context);
    if (volume.status.kind !== 'in-use') {
      throw incorrectState(`Volume '${volume.id}' is in the '${volume.status.kind}' state.`);
    }
    const { attachment } = volume.status;
    checkNamed(request, attachment);
    if (attachment.backing === 'root') {
      throw new Ec2Error(
        'OperationNotPermitted',
        `Unable to detach root volume '${attachment.device}' from instance '${attachment.instanceId}'`,
      );
    }
    const alreadyDetaching = attachment.phase === 'detaching' || attachment.phase === 'busy';
    if (alreadyDetaching && !request.force) return attachmentAnswer(volume.id, attachment, 'detaching');
    const detaching = {
      ...volume,
      status: { kind: 'in-use', attachment: { ...attachment, phase: 'detaching' } },
    } as const;
    region.putVolume(detaching);
    await lifecycle.state.save();
    (request.force ? detachByForce : continueDetaching)(detaching, region, lifecycle);
    return attachmentAnswer(volume.id, attachment, 'detaching');
  },
});

function checkNamed(
  request: {
    readonly volumeId: string;
    readonly instanceId: string | undefined;
    readonly device: string | undefined;
  },
  attachment: Attachment,
): void {
  const { volumeId, instanceId = attachment.instanceId, device = attachment.device } = request;
  if (instanceId === attachment.instanceId && device === attachment.device) return;
  throw new Ec2Error(
    'InvalidAttachment.NotFound',
    `The volume '${volumeId}' is not attached to instance '${instanceId}' as device '${device}'.`,
  );
}
