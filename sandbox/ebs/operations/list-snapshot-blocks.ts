import { writtenBlocks } from '../blocks/layers.js';
import { readMembers } from '../request/members.js';
import { blockBytes, blocksPerGiB } from '../settings.js';
import type { Json } from '../../server/json-protocol.js';
import { authorizeSnapshot } from './authorize.js';
import type { Operation } from './operation.js';
import { beginPage, blockTokens, pagingQuery, readPageRequest, timestamp } from './paging.js';
import { layersOf, readableSnapshot } from './readable.js';
import { snapshotId } from './rules.js';

const operation = 'ListSnapshotBlocks';

/** ListSnapshotBlocks: the blocks that were written, by their indexes, with new tokens. */
export const listSnapshotBlocks: Operation = async ({ request, path, lifecycle }) => {
  const members = readMembers(request, { operation, path, query: pagingQuery });
  const id = members.requiredText('snapshotId', snapshotId);
  const wanted = readPageRequest(members);
  members.end();
  const { region } = request;
  const snapshot = readableSnapshot(region, id, lifecycle);
  authorizeSnapshot(request, operation, snapshot);
  const page = beginPage(wanted, [operation, region, id], lifecycle);
  const { expiresAtMs, tokenOf } = blockTokens(region, lifecycle);
  const blocks: Json[] = [];
  let nextToken: string | null = null;
  const end = snapshot.sizeGiB * blocksPerGiB;
  for await (const { index } of writtenBlocks(await layersOf(snapshot, lifecycle), { from: page.from, end })) {
    if (page.isEmpty || blocks.length === page.mostBlocks) {
      nextToken = page.tokenFor(index);
      break;
    }
    blocks.push({ BlockIndex: index, BlockToken: tokenOf(id, index) });
  }
  return {
    status: 200,
    body: {
      BlockSize: blockBytes,
      Blocks: blocks,
      // Tokens that are not there are over already.
      ExpiryTime: timestamp(blocks.length === 0 ? lifecycle.clock.now() : expiresAtMs),
      NextToken: nextToken,
      VolumeSize: snapshot.sizeGiB,
    },
  };
};
