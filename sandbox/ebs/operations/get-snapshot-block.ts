import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { invalid } from '../errors.js';
import { readMembers } from '../request/members.js';
import { blockBytes } from '../settings.js';
import { readToken } from '../tokens.js';
import { authorizeSnapshot } from './authorize.js';
import type { Operation } from './operation.js';
import { blockPurpose } from './paging.js';
import { readableSnapshot } from './readable.js';
import { blockIndex, snapshotId, token } from './rules.js';

const operation = 'GetSnapshotBlock';

/** GetSnapshotBlock: the bytes of a block, with their SHA-256. */
export const getSnapshotBlock: Operation = async ({ request, path, lifecycle }) => {
  const members = readMembers(request, { operation, path, query: { blockToken: 'blockToken' } });
  const id = members.requiredText('snapshotId', snapshotId);
  const index = members.requiredInteger('blockIndex', blockIndex);
  const blockToken = members.requiredText('blockToken', token);
  members.end();
  const { clock, rates, snapshots, state } = lifecycle;
  const { region } = request;
  const snapshot = readableSnapshot(region, id, lifecycle);
  authorizeSnapshot(request, operation, snapshot);
  rates.admitSnapshot(id, 'getSnapshotBlock');
  const purpose = blockPurpose(region, id);
  if (readToken(blockToken, purpose, { secret: state.secret, nowMs: clock.now() })?.index !== index) {
    throw invalid('INVALID_BLOCK_TOKEN', `The block token ${blockToken} is invalid.`);
  }
  const data = await readBlock(snapshots.file(id), index);
  return {
    status: 200,
    headers: {
      'x-amz-Data-Length': String(data.length),
      'x-amz-Checksum': createHash('sha256').update(data).digest('base64'),
      'x-amz-Checksum-Algorithm': 'SHA256',
    },
    body: data,
  };
};

/** Reads a block of a file. */
export async function readBlock(path: string, index: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const block = Buffer.alloc(blockBytes);
    await file.read(block, 0, blockBytes, index * blockBytes);
    return block;
  } finally {
    await file.close();
  }
}
