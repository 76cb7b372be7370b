import { onNewSnapshot, onVolume } from '../access/index.js';
import { snapshotAnswer } from '../answers/index.js';
import { incorrectState, notImplemented } from '../errors.js';
import { checkId, newId } from '../ids.js';
import { takeSnapshot } from '../lifecycle/index.js';
import { readTagSpecification } from '../query/index.js';
import type { Snapshot } from '../state/index.js';
import { operation } from './operation.js';
import { accountOf, volumeOf } from './resources.js';

/** CreateSnapshot. Answers `pending`; the bytes are copied afterwards. */
export const createSnapshot = operation({
  parse: (parameters) => {
    for (const name of ['OutpostArn', 'Location']) {
      if (parameters.text(name) !== undefined) throw notImplemented(`CreateSnapshot with ${name}`);
    }
    return {
      volumeId: checkId('volume', parameters.required('VolumeId'), 'volumeId'),
      description: parameters.text('Description') ?? '',
      tags: readTagSpecification(parameters, 'snapshot'),
    };
  },
  access: ({ volumeId, tags }, context) => {
    const volume = volumeOf(volumeId, context);
    return [
      onVolume('CreateSnapshot', volume, { context }),
      ...onNewSnapshot('CreateSnapshot', volume.sizeGiB, { volumeId, tags, context }),
    ];
  },
  perform: async (request, context) => {
    const { region, lifecycle } = context;
    const volume = volumeOf(request.volumeId, context);
    if (volume.status.kind !== 'available' && volume.status.kind !== 'in-use') {
      throw incorrectState(`Volume '${volume.id}' is in the '${volume.status.kind}' state.`);
    }
    if (volume.status.kind === 'in-use' && volume.status.attachment.backing === 'root') {
      throw notImplemented('snapshots of the root volume: its bytes are the disk of this machine');
    }
    const snapshot: Snapshot = {
      id: newId('snapshot'),
      sequence: lifecycle.state.nextSequence(),
      owner: { accountId: accountOf(context), alias: null },
      origin: 'volume',
      volumeId: volume.id,
      sizeGiB: volume.sizeGiB,
      description: request.description,
      encrypted: volume.encrypted,
      kmsKeyId: volume.kmsKeyId,
      startedAtMs: lifecycle.clock.now(),
      tags: request.tags,
      sharing: { everyone: false, accountIds: [] },
      tier: { kind: 'standard' },
      status: { kind: 'pending', afterwards: 'keep' },
    };
    region.putSnapshot(snapshot);
    takeSnapshot(snapshot, region, lifecycle);
    await lifecycle.state.save();
    return snapshotAnswer(snapshot, lifecycle);
  },
});
