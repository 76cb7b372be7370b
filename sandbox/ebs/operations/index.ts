import type { RateName } from '../quotas.js';
import { completeSnapshot } from './complete-snapshot.js';
import { getSnapshotBlock } from './get-snapshot-block.js';
import { listChangedBlocks } from './list-changed-blocks.js';
import { listSnapshotBlocks } from './list-snapshot-blocks.js';
import type { Operation } from './operation.js';
import { putSnapshotBlock } from './put-snapshot-block.js';
import { startSnapshot } from './start-snapshot.js';

export type { OperationAnswer } from './operation.js';

/** How a request is recognised, counted and answered. */
export interface Route {
  /** The name in the API reference, and of the IAM action. */
  readonly name: string;
  readonly method: string;
  /** Of the path; its groups are members of the request. */
  readonly pattern: RegExp;
  readonly rate: RateName;
  readonly operation: Operation;
}

const part = (member: string): string => `(?<${member}>[^/]+)`;

/** Every operation of EBS direct. The first that fits answers. */
export const routes: readonly Route[] = [
  route('StartSnapshot', 'POST /snapshots', startSnapshot),
  route('CompleteSnapshot', `POST /snapshots/completion/${part('snapshotId')}`, completeSnapshot),
  route('ListSnapshotBlocks', `GET /snapshots/${part('snapshotId')}/blocks`, listSnapshotBlocks),
  route('ListChangedBlocks', `GET /snapshots/${part('secondSnapshotId')}/changedblocks`, listChangedBlocks),
  route('GetSnapshotBlock', `GET /snapshots/${part('snapshotId')}/blocks/${part('blockIndex')}`, getSnapshotBlock),
  route('PutSnapshotBlock', `PUT /snapshots/${part('snapshotId')}/blocks/${part('blockIndex')}`, putSnapshotBlock),
];

function route(name: string, methodAndPath: string, operation: Operation): Route {
  const [method = '', path = ''] = methodAndPath.split(' ');
  const rate = `${name.charAt(0).toLowerCase()}${name.slice(1)}` as RateName;
  return { name, method, pattern: new RegExp(`^${path}/?$`), rate, operation };
}
