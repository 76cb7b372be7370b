import { onSnapshot } from '../access/index.js';
import { checkId } from '../ids.js';
import { operation } from './operation.js';
import { ownSnapshotOf, snapshotOf } from './resources.js';

/**
 * DeleteSnapshot. One that is pending goes when it has completed, as EBS documents it; but one that is written through
 * EBS direct goes at once. Only its owner can delete it.
 */
export const deleteSnapshot = operation({
  parse: (parameters) => ({ snapshotId: checkId('snapshot', parameters.required('SnapshotId'), 'snapshotId') }),
  access: ({ snapshotId }, context) => [onSnapshot('DeleteSnapshot', snapshotOf(snapshotId, context), { context })],
  perform: async ({ snapshotId }, context) => {
    const { region, lifecycle } = context;
    const snapshot = ownSnapshotOf(snapshotId, context);
    if (snapshot.status.kind === 'pending' && snapshot.origin !== 'direct') {
      region.putSnapshot({ ...snapshot, status: { kind: 'pending', afterwards: 'delete' } });
      await lifecycle.state.save();
    } else {
      region.removeSnapshot(snapshotId);
      await lifecycle.state.save();
      // The file after the record: what a crash leaves between the two is a file that nobody refers to.
      await lifecycle.files.removeSnapshot(snapshotId);
    }
    return { return: true };
  },
});
