import type { Json } from '../../server/json-protocol.js';
import { pairedBlocks, type PairedBlock } from '../blocks/pairs.js';
import { invalid } from '../errors.js';
import type { Lifecycle } from '../lifecycle/index.js';
import { readMembers } from '../request/members.js';
import { blockBytes, blocksPerGiB } from '../settings.js';
import type { SnapshotFacts } from '../snapshot-port.js';
import { authorizeSnapshot } from './authorize.js';
import { readBlock } from './get-snapshot-block.js';
import type { Operation } from './operation.js';
import { beginPage, blockTokens, pagingQuery, readPageRequest, timestamp } from './paging.js';
import { layersOf, readableSnapshot } from './readable.js';
import { snapshotId } from './rules.js';

const operation = 'ListChangedBlocks';

/** Blocks that are read and compared for one page, 1 GiB in all; what is left comes with the next page. */
const mostComparisons = 1_000;

/**
 * ListChangedBlocks: the blocks in which two snapshots differ. A page is cut from the blocks that either has, before
 * they are compared: where little has changed, most pages are empty.
 */
export const listChangedBlocks: Operation = async ({ request, path, lifecycle }) => {
  const members = readMembers(request, {
    operation,
    path,
    query: { ...pagingQuery, firstSnapshotId: 'firstSnapshotId' },
  });
  const firstId = members.text('firstSnapshotId', snapshotId);
  const secondId = members.requiredText('secondSnapshotId', snapshotId);
  const wanted = readPageRequest(members);
  members.end();
  if (firstId === undefined) throw invalid('INVALID_SNAPSHOT_ID', 'First snapshot should not be empty or null');
  const { region } = request;
  const first = readableSnapshot(region, firstId, lifecycle);
  const second = readableSnapshot(region, secondId, lifecycle);
  authorizeSnapshot(request, operation, first);
  authorizeSnapshot(request, operation, second);
  if (!areRelated(first, second, lifecycle)) throw invalid('UNRELATED_SNAPSHOTS', 'The snapshots are not related.');
  const page = beginPage(wanted, [operation, region, firstId, secondId], lifecycle);
  const { expiresAtMs, tokenOf } = blockTokens(region, lifecycle);
  const changed: Json[] = [];
  let nextToken: string | null = null;
  let candidates = 0;
  let comparisons = 0;
  const blocks = pairedBlocks(await layersOf(first, lifecycle), await layersOf(second, lifecycle), {
    from: page.from,
    end: Math.max(first.sizeGiB, second.sizeGiB) * blocksPerGiB,
  });
  for await (const block of blocks) {
    if (page.isEmpty || candidates === page.mostBlocks || comparisons === mostComparisons) {
      nextToken = page.tokenFor(block.index);
      break;
    }
    candidates += 1;
    const judgement = judge(block);
    if (judgement === 'same') continue;
    if (judgement === 'compare') {
      comparisons += 1;
      if (await haveSameBytes(block.index, [first, second], lifecycle)) continue;
    }
    changed.push({
      BlockIndex: block.index,
      ...(block.first === undefined ? {} : { FirstBlockToken: tokenOf(firstId, block.index) }),
      ...(block.second === undefined ? {} : { SecondBlockToken: tokenOf(secondId, block.index) }),
    });
  }
  const isNothing = changed.length === 0 && nextToken === null;
  return {
    status: 200,
    body: {
      BlockSize: isNothing ? null : blockBytes,
      ChangedBlocks: changed,
      ExpiryTime: isNothing ? null : timestamp(expiresAtMs),
      NextToken: nextToken,
      VolumeSize: isNothing ? null : second.sizeGiB,
    },
  };
};

/** Snapshots of one volume, or of volumes and snapshots of which one was made from the other. */
function areRelated(first: SnapshotFacts, second: SnapshotFacts, { state }: Lifecycle): boolean {
  const lineOf = ({ id, ancestors }: SnapshotFacts): ReadonlySet<string> =>
    new Set([id, ...ancestors, ...(state.get(id)?.ancestors ?? [])]);
  const other = lineOf(second);
  return [...lineOf(first)].some((id) => other.has(id));
}

/**
 * A block that was put has changed, also when its bytes are those that were there before. When a volume was written to,
 * nobody knows: there the bytes tell.
 */
function judge({ first, second }: PairedBlock): 'same' | 'changed' | 'compare' {
  if (first === undefined || second === undefined) return 'changed';
  if (first.kind === second.kind && first.snapshotId === second.snapshotId) return 'same';
  return first.kind === 'volume' && second.kind === 'volume' ? 'compare' : 'changed';
}

async function haveSameBytes(
  index: number,
  [first, second]: readonly [SnapshotFacts, SnapshotFacts],
  { snapshots }: Lifecycle,
): Promise<boolean> {
  const [one, other] = [
    await readBlock(snapshots.file(first.id), index),
    await readBlock(snapshots.file(second.id), index),
  ];
  return one.equals(other);
}
