import { newId } from '../ids.js';
import type { Instance, StateChange, Volume } from './model.js';

const rootVolumeGiB = 8;

/** A fresh account: one running instance with its root volume, as every EC2 instance has one. */
export function newAccount(nowMs: number): readonly StateChange[] {
  const instanceId = newId('instance');
  const zone = 'us-east-1a';
  const instance: Instance = {
    id: instanceId,
    region: 'us-east-1',
    zone,
    accountId: '123456789012',
    instanceType: 'm6i.large',
    imageId: 'ami-0123456789abcdef0',
    privateIp: '172.31.0.10',
    launchedAtMs: nowMs,
    tags: [],
  };
  const root: Volume = {
    id: newId('volume'),
    sequence: 1,
    zone,
    sizeGiB: rootVolumeGiB,
    snapshotId: '',
    volumeType: 'gp3',
    iops: 3000,
    throughput: 125,
    encrypted: false,
    kmsKeyId: null,
    createdAtMs: nowMs,
    idempotency: null,
    tags: [],
    status: {
      kind: 'in-use',
      attachment: {
        instanceId,
        device: '/dev/xvda',
        attachedAtMs: nowMs,
        deleteOnTermination: true,
        phase: 'attached',
        backing: 'root',
      },
    },
  };
  return [
    { kind: 'instance', instance },
    { kind: 'volume', region: instance.region, volume: root },
  ];
}
