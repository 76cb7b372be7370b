import { invalid } from '../errors.js';
import { finishSealed } from '../lifecycle/index.js';
import { readMembers } from '../request/members.js';
import { authorizeSnapshot } from './authorize.js';
import type { Operation } from './operation.js';
import { checksum, name, snapshotId } from './rules.js';
import { writableSnapshot } from './writable.js';

const operation = 'CompleteSnapshot';

const headers = {
  changedBlocksCount: 'x-amz-changedblockscount',
  checksum: 'x-amz-checksum',
  checksumAlgorithm: 'x-amz-checksum-algorithm',
  checksumAggregationMethod: 'x-amz-checksum-aggregation-method',
} as const;

/**
 * CompleteSnapshot: no more blocks; the rest happens afterwards. A count or a checksum that is wrong is not refused: the
 * snapshot goes to `error`. Of a snapshot that was completed before, it tells what has become.
 */
export const completeSnapshot: Operation = async ({ request, path, lifecycle }) => {
  const members = readMembers(request, { operation, path, headers });
  const id = members.requiredText('snapshotId', snapshotId);
  const changedBlocksCount = members.requiredInteger('changedBlocksCount', { least: 0 });
  const said = {
    checksum: members.text('checksum', checksum),
    algorithm: members.text('checksumAlgorithm', name),
    method: members.text('checksumAggregationMethod', name),
  };
  members.end();
  const { state } = lifecycle;
  const { facts, record } = writableSnapshot(request.region, id, lifecycle);
  authorizeSnapshot(request, operation, facts);
  if (record.progress.kind !== 'open' || facts.status.kind !== 'pending') {
    return { status: 202, body: { Status: facts.status.kind } };
  }
  checkCombination(said);
  const sealed = { kind: 'sealed', changedBlocksCount, checksum: said.checksum ?? null } as const;
  state.put({ ...record, progress: sealed });
  await state.save();
  finishSealed(record, lifecycle);
  return { status: 202, body: { Status: 'pending' } };
};

function checkCombination(said: {
  readonly checksum: string | undefined;
  readonly algorithm: string | undefined;
  readonly method: string | undefined;
}): void {
  const { checksum: sum, algorithm, method } = said;
  if (sum === undefined && algorithm === undefined && method === undefined) return;
  const refuse = (message: string): Error => invalid('INVALID_PARAMETER_VALUE', message);
  const missing = (what: string): Error => refuse(`Invalid parameter combination. ${what} is missing.`);
  if (sum === undefined) throw missing('Snapshot checksum');
  if (algorithm === undefined) throw missing('Checksum algorithm');
  if (method === undefined) throw missing('Checksum aggregation method');
  if (algorithm !== 'SHA256') {
    throw refuse(`Unsupported Checksum Algorithm '${algorithm}', supported algorithms are SHA256`);
  }
  if (method !== 'LINEAR') {
    throw refuse(`Unsupported Checksum Aggregation Method '${method}', supported methods are LINEAR`);
  }
}
