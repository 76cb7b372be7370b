import { onVolume } from '../access/index.js';
import { incorrectState, volumeInUse, volumeNotFound } from '../errors.js';
import { checkId } from '../ids.js';
import { continueDeleting } from '../lifecycle/index.js';
import { operation } from './operation.js';
import { volumeOf } from './resources.js';

/** DeleteVolume. The volume is `deleting` for a moment, then gone. */
export const deleteVolume = operation({
  parse: (parameters) => ({ volumeId: checkId('volume', parameters.required('VolumeId'), 'volumeId') }),
  access: ({ volumeId }, context) => [onVolume('DeleteVolume', volumeOf(volumeId, context), { context })],
  perform: async ({ volumeId }, context) => {
    const { region, lifecycle } = context;
    const volume = volumeOf(volumeId, context);
    switch (volume.status.kind) {
      case 'in-use':
        throw volumeInUse(`Volume ${volumeId} is currently attached to ${volume.status.attachment.instanceId}`);
      case 'creating':
        throw incorrectState(`Volume '${volumeId}' is in the 'creating' state.`);
      case 'deleting':
        throw volumeNotFound(volumeId);
      case 'available':
      case 'error':
        break;
    }
    const deleting = { ...volume, status: { kind: 'deleting' } } as const;
    region.putVolume(deleting);
    await lifecycle.state.save();
    continueDeleting(deleting, region, lifecycle);
    return { return: true };
  },
});
