import { createHash } from 'node:crypto';
import { invalid, snapshotNotFound, wrongChecksum } from '../errors.js';
import { readMembers } from '../request/members.js';
import { blockBytes, blocksPerGiB } from '../settings.js';
import { authorizeSnapshot } from './authorize.js';
import type { Operation } from './operation.js';
import { blockIndex, checksum, name, snapshotId } from './rules.js';
import { writableSnapshot } from './writable.js';

const operation = 'PutSnapshotBlock';

const headers = {
  dataLength: 'x-amz-data-length',
  progress: 'x-amz-progress',
  checksum: 'x-amz-checksum',
  checksumAlgorithm: 'x-amz-checksum-algorithm',
} as const;

/** PutSnapshotBlock: writes a block of a pending snapshot, over the one that was there. */
export const putSnapshotBlock: Operation = async ({ request, path, lifecycle }) => {
  const members = readMembers(request, { operation, path, headers });
  const id = members.requiredText('snapshotId', snapshotId);
  const index = members.requiredInteger('blockIndex', blockIndex);
  const dataLength = members.requiredInteger('dataLength');
  // Says nothing about the snapshot: EC2 shows 0% until it is completed.
  members.integer('progress', { least: 0, most: 100 });
  const expected = members.requiredText('checksum', checksum);
  const algorithm = members.requiredText('checksumAlgorithm', name);
  members.end();
  const { activity, files, rates } = lifecycle;
  const { facts, record } = writableSnapshot(request.region, id, lifecycle);
  authorizeSnapshot(request, operation, facts);
  rates.admitSnapshot(id, 'putSnapshotBlock');
  if (facts.status.kind === 'error') throw snapshotNotFound(id);
  if (record.progress.kind !== 'open') throw invalid('INVALID_SNAPSHOT_ID', 'Snapshot is already completed');
  if (request.headers['content-encoding'] !== undefined) {
    throw invalid(
      'INVALID_CONTENT_ENCODING',
      `Content-Encoding '${request.headers['content-encoding']}' is not taken.`,
    );
  }
  const data = request.content;
  if (data.length !== blockBytes) throw invalid('INVALID_PARAMETER_VALUE', 'Failed to read block data');
  if (dataLength !== blockBytes) {
    throw invalid('INVALID_BLOCK', `Block data length ${dataLength} is not valid, expected ${blockBytes}`);
  }
  if (index >= record.sizeGiB * blocksPerGiB) {
    throw invalid('INVALID_BLOCK', `Block index ${index} is beyond the volume size extent`);
  }
  if (algorithm !== 'SHA256') {
    const message = `Unsupported Checksum Algorithm '${algorithm}', supported algorithms are SHA256`;
    throw invalid('INVALID_PARAMETER_VALUE', message);
  }
  const digest = createHash('sha256').update(data).digest();
  const computed = digest.toString('base64');
  if (computed !== expected) throw wrongChecksum(computed, expected);
  const writing = activity.write({ id, index }, () => files.put(id, { index, data, digest }));
  if (writing === undefined) {
    throw invalid('CONFLICTING_BLOCK_UPDATE', `Block ${index} is being written by another request.`);
  }
  await writing;
  await activity.touch(id);
  return {
    status: 201,
    headers: { 'x-amz-Checksum': computed, 'x-amz-Checksum-Algorithm': 'SHA256' },
    body: {},
  };
};
