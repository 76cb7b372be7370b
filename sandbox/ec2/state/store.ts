import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, type Clock } from '../../../src/core/index.js';
import { newId } from '../ids.js';
import { stateFile, type Instance, type Snapshot, type StateFile, type Volume } from './model.js';

/** What one region holds, by id. */
export interface Region {
  readonly name: string;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  putVolume(volume: Volume): void;
  removeVolume(id: string): void;
  putSnapshot(snapshot: Snapshot): void;
  removeSnapshot(id: string): void;
}

/** All that EC2 remembers. Reads are of memory; whoever changes something awaits {@link Ec2State.save} afterwards. */
export interface Ec2State {
  readonly instance: Instance;
  putInstance(instance: Instance): void;
  region(name: string): Region;
  regions(): readonly Region[];
  nextSequence(): number;
  /** Resolves when what is in memory now is on disk. Saves that wait together are written once. */
  save(): Promise<void>;
}

const rootVolumeGiB = 8;

/** Reads `<directory>/state.json`, or begins anew with one instance. Throws `usage` when the file is not ours. */
export async function openState(directory: string, { clock }: { readonly clock: Clock }): Promise<Ec2State> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'state.json');
  const file = (await readState(path)) ?? newState(clock.now());
  let { instance, lastSequence } = file;
  const regions = new Map(Object.entries(file.regions).map(([name, content]) => [name, memoryRegion(name, content)]));

  const content = (): StateFile => ({
    version: 1,
    lastSequence,
    instance,
    regions: Object.fromEntries(
      [...regions].map(([name, { volumes, snapshots }]) => [
        name,
        { volumes: [...volumes.values()], snapshots: [...snapshots.values()] },
      ]),
    ),
  });

  let writing: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    waiting = undefined;
    await writeFile(`${path}.new`, JSON.stringify(content()));
    await rename(`${path}.new`, path);
  };

  return {
    get instance() {
      return instance;
    },
    putInstance: (changed) => {
      instance = changed;
    },
    region: (name) => {
      const known = regions.get(name) ?? memoryRegion(name, { volumes: [], snapshots: [] });
      regions.set(name, known);
      return known;
    },
    regions: () => [...regions.values()],
    nextSequence: () => (lastSequence += 1),
    save: () => {
      waiting ??= writing = writing.catch(() => undefined).then(write);
      return waiting;
    },
  };
}

async function readState(path: string): Promise<StateFile | undefined> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return stateFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('usage', `${path} is not a state file of this sandbox.`, {
      cause,
      hint: 'Give another directory with --state, or remove this one to begin anew.',
    });
  }
}

/** A fresh account: one running instance with its root volume, as every EC2 instance has one. */
function newState(nowMs: number): StateFile {
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
  return { version: 1, lastSequence: 1, instance, regions: { 'us-east-1': { volumes: [root], snapshots: [] } } };
}

function memoryRegion(name: string, content: StateFile['regions'][string]): Region {
  const volumes = new Map(content.volumes.map((volume) => [volume.id, volume]));
  const snapshots = new Map(content.snapshots.map((snapshot) => [snapshot.id, snapshot]));
  return {
    name,
    volumes,
    snapshots,
    putVolume: (volume) => void volumes.set(volume.id, volume),
    removeVolume: (id) => void volumes.delete(id),
    putSnapshot: (snapshot) => void snapshots.set(snapshot.id, snapshot),
    removeSnapshot: (id) => void snapshots.delete(id),
  };
}
