import { describe, expect, it } from 'vitest';
import { snapshotId, volumeId } from '../../src/core/index.js';
import { claimSnapshot, type Ec2, type Snapshot } from '../../src/source/index.js';
import { fakeClock } from '../core/fake-clock.js';

// The race by tags, where it is lost. What is won, the tests of the command show.

const id = snapshotId('snap-0123456789abcdef0');

/** EC2 as far as tags go; each look at them may find what somebody else has written before. */
function tagged(tags: Record<string, string>, meanwhile: (tags: Record<string, string>, look: number) => void) {
  let looks = 0;
  const snapshot = (): Snapshot => ({
    snapshotId: id,
    volumeId: volumeId('vol-0123456789abcdef0'),
    startTime: new Date(0),
    volumeGiB: 1,
    fullSizeBytes: undefined,
    description: '',
    state: 'completed',
    storageTier: 'standard',
    encrypted: false,
    ownerId: '',
    tags: { ...tags },
  });
  const ec2 = {
    snapshot: () => {
      meanwhile(tags, (looks += 1));
      return Promise.resolve(snapshot());
    },
    setTags: (_: unknown, set: Readonly<Record<string, string>>) => Promise.resolve(void Object.assign(tags, set)),
    removeTags: (_: unknown, keys: readonly string[]) => {
      for (const key of keys) Reflect.deleteProperty(tags, key);
      return Promise.resolve();
    },
  } as unknown as Ec2;
  const claim = (isOurs = true) =>
    claimSnapshot(snapshot(), {
      ec2,
      clock: fakeClock(),
      events: () => undefined,
      tag: 'tag',
      runId: 'ours',
      from: 'migrate',
      during: 'migrating',
      otherwise: 'migrate',
      isOurs: () => Promise.resolve(isOurs),
    });
  return { claim, tags };
}

describe('a claim by tags', () => {
  it('of a snapshot that is no longer in its state is not made', async () => {
    const { claim, tags } = tagged({ tag: 'migrating', 'tag-id': 'other' }, () => undefined);
    await expect(claim()).rejects.toMatchObject({
      code: 'claimed-elsewhere',
      message: expect.stringMatching(/by now/),
    });
    expect(tags).toEqual({ tag: 'migrating', 'tag-id': 'other' });
  });

  it('that another run has written over does not stand, and leaves the tags to that run', async () => {
    const { claim, tags } = tagged({ tag: 'migrate' }, (now, look) => {
      if (look > 1) now['tag-id'] = 'other';
    });
    {
      await using lost = await claim();
      await expect(lost.stands()).rejects.toMatchObject({
        code: 'claimed-elsewhere',
        message: `Snapshot ${id} was claimed by another run (other).`,
      });
    }
    expect(tags).toEqual({ tag: 'migrating', 'tag-id': 'other' });
  });

  it('that is never to be seen does not stand, and is taken back', async () => {
    const { claim, tags } = tagged({ tag: 'migrate' }, (now, look) => {
      if (look > 1) Reflect.deleteProperty(now, 'tag-id');
    });
    {
      await using unseen = await claim();
      await expect(unseen.stands()).rejects.toMatchObject({ code: 'timed-out' });
    }
    expect(tags).toEqual({ tag: 'migrate' });
  });

  it('of a run that has lost its lease leaves the tags as they are', async () => {
    const { claim, tags } = tagged({ tag: 'migrate' }, () => undefined);
    {
      await using ours = await claim(false);
      await ours.stands();
    }
    expect(tags).toEqual({ tag: 'migrating', 'tag-id': 'ours' });
  });

  it('that fails is taken back; one that is finished is not', async () => {
    const { claim, tags } = tagged({ tag: 'migrate' }, () => undefined);
    {
      await using ours = await claim();
      await ours.stands();
      expect(tags).toEqual({ tag: 'migrating', 'tag-id': 'ours' });
    }
    expect(tags).toEqual({ tag: 'migrate' });
    {
      await using ours = await claim();
      await ours.stands();
      await ours.finish('migrated');
    }
    expect(tags).toEqual({ tag: 'migrated' });
  });
});
