import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DescribeSnapshotsCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { openJournal } from '../../../sandbox/ec2/state/journal.js';
import { openState, type Snapshot, type StateChange } from '../../../sandbox/ec2/state/index.js';
import { systemClock } from '../../../src/core/index.js';
import { availableVolume, completedSnapshot, failure, scratchDirectory, snapshotNow, startEc2 } from './support.js';

function snapshotNumber(sequence: number, description = ''): Snapshot {
  return {
    id: `snap-0${sequence.toString(16).padStart(16, '0')}`,
    sequence,
    owner: { accountId: '123456789012', alias: null },
    origin: 'volume',
    volumeId: 'vol-0123456789abcdef0',
    sizeGiB: 1,
    description,
    encrypted: false,
    kmsKeyId: null,
    startedAtMs: 0,
    tags: [],
    sharing: { everyone: false, accountIds: [] },
    tier: { kind: 'standard' },
    status: { kind: 'completed', completedAtMs: 0 },
  };
}

describe('the state on disk', () => {
  it('grows by what has changed, not by what there is', async () => {
    const directory = await scratchDirectory();
    const state = await openState(directory, { clock: systemClock });
    const region = state.region('us-east-1');
    for (let count = 0; count < 20_000; count += 1) region.putSnapshot(snapshotNumber(state.nextSequence()));
    await state.save();
    const path = join(directory, 'state.jsonl');
    const before = (await stat(path)).size;
    region.putSnapshot(snapshotNumber(10_000, 'changed'));
    await state.save();
    expect((await stat(path)).size - before).toBeLessThan(1_000);
    const again = await openState(directory, { clock: systemClock });
    const found = [...again.region('us-east-1').snapshots.values()];
    expect(found).toHaveLength(20_000);
    expect(found[9_998]?.description).toBe('changed');
    expect(again.nextSequence()).toBe(state.nextSequence());
  });

  it('is written anew before old changes fill the disk', async () => {
    const directory = await scratchDirectory();
    const state = await openState(directory, { clock: systemClock });
    const region = state.region('us-east-1');
    const long = 'x'.repeat(100_000);
    for (let count = 0; count < 200; count += 1) {
      region.putSnapshot(snapshotNumber(2, `${long}${count}`));
      await state.save();
    }
    expect((await stat(join(directory, 'state.jsonl'))).size).toBeLessThan(6_000_000);
    region.removeSnapshot(snapshotNumber(2).id);
    await state.save();
    const again = await openState(directory, { clock: systemClock });
    expect(again.region('us-east-1').snapshots.size).toBe(0);
    expect(again.instance).toEqual(state.instance);
  });

  it('survives a crash in the middle of a line', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const kept = await availableVolume(first.client);
    await first.close();
    const path = join(directory, 'state.jsonl');
    const whole = await readFile(path, 'utf8');
    await appendFile(path, `{"kind":"snapshot","region":"us-east-1","snapshot":{"description":"${'x'.repeat(10_000)}`);
    const second = await startEc2({ directory });
    const later = await availableVolume(second.client);
    await second.close();
    expect((await readFile(path, 'utf8')).startsWith(`${whole}{"kind":"volume",`)).toBe(true);
    const third = await startEc2({ directory });
    const { Volumes = [] } = await third.client.send(new DescribeVolumesCommand({ VolumeIds: [kept, later] }));
    expect(Volumes).toHaveLength(2);
  });

  it('forgets what an append wrote that failed in the middle', async () => {
    const path = join(await scratchDirectory(), 'journal');
    const journal = await openJournal(path);
    await journal.append(['one']);
    await appendFile(path, 'two, which was never acknowledged\nthree\nfour, cut sho');
    await journal.append(['five']);
    expect(await readFile(path, 'utf8')).toBe('one\nfive\n');
  });

  it('says which line it cannot read', async () => {
    const directory = await scratchDirectory();
    await (await startEc2({ directory })).close();
    await appendFile(join(directory, 'state.jsonl'), '{"kind":"something else"}\n');
    expect(await failure(startEc2({ directory }))).toMatchObject({
      message: expect.stringMatching(/state\.jsonl, line \d+, is not from a state file of this sandbox/),
    });
  });

  it('takes over the state of the first version', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const id = await completedSnapshot(first.client, await availableVolume(first.client), 'kept');
    await first.close();
    const changes = (await readFile(join(directory, 'state.jsonl'), 'utf8')).trim().split('\n');
    const volumes = new Map<string, unknown>();
    let instance: unknown;
    let snapshot: unknown;
    for (const line of changes) {
      const change = JSON.parse(line) as StateChange;
      if (change.kind === 'instance') instance = change.instance;
      if (change.kind === 'volume') volumes.set(change.volume.id, change.volume);
      if (change.kind === 'snapshot') {
        const { owner, origin, sharing, tier, ...former } = change.snapshot;
        expect([owner.accountId, origin, sharing.everyone, tier.kind]).toEqual([
          '123456789012',
          'volume',
          false,
          'standard',
        ]);
        snapshot = former;
      }
    }
    const old = await scratchDirectory();
    const regions = { 'us-east-1': { volumes: [...volumes.values()], snapshots: [snapshot] } };
    await writeFile(join(old, 'state.json'), JSON.stringify({ version: 1, lastSequence: 77, instance, regions }));
    const second = await startEc2({ directory: old });
    expect(second.service.instance).toEqual(first.service.instance);
    const found = await snapshotNow(second.client, id);
    expect(found).toMatchObject({ Description: 'kept', OwnerId: '123456789012', StorageTier: 'standard' });
    await expect(stat(join(old, 'state.json'))).rejects.toThrow('ENOENT');
    await second.close();
    const third = await startEc2({ directory: old });
    expect((await third.client.send(new DescribeSnapshotsCommand({}))).Snapshots).toHaveLength(1);
  });
});
