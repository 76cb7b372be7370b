import { describe, expect, it } from 'vitest';
import { snapshotId } from '../../src/core/index.js';
import { iopsOf, requireVolumeSize, temporaryVolumeType } from '../../src/source/index.js';

const id = snapshotId('snap-0123456789abcdef0');

describe('the type of a temporary volume', () => {
  it.each([
    [1, 'standard'],
    [1_024, 'standard'],
    [1_025, 'gp2'],
    [16_384, 'gp2'],
    [16_385, 'gp3'],
    [65_536, 'gp3'],
  ])('of %d GiB is %s where none is asked for', (volumeGiB, type) => {
    expect(temporaryVolumeType({ volumeGiB })).toBe(type);
  });

  it.each([
    ['standard', 1, 1_024],
    ['gp2', 1, 16_384],
    ['gp3', 1, 65_536],
    ['io1', 4, 16_384],
    ['io2', 4, 65_536],
    ['st1', 125, 16_384],
    ['sc1', 125, 16_384],
  ])('%s has %d to %d GiB; others are refused, naming types that have them', (type, least, most) => {
    for (const volumeGiB of [least, most]) requireVolumeSize(type, { snapshotId: id, volumeGiB });
    for (const volumeGiB of [least - 1, most + 1]) {
      const refused = () => requireVolumeSize(type, { snapshotId: id, volumeGiB });
      expect(refused).toThrow(
        `The volume of snapshot ${id} has ${volumeGiB} GiB, and ${type} volumes have ${least} to ${most} GiB.`,
      );
    }
    expect(() => requireVolumeSize(type, { snapshotId: id, volumeGiB: least - 1 })).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('--volume-type') as string }),
    );
  });

  it('that nobody knows here EC2 may judge; where none is asked for all sizes fit', () => {
    requireVolumeSize('io9', { snapshotId: id, volumeGiB: 1 });
    requireVolumeSize(undefined, { snapshotId: id, volumeGiB: 65_536 });
  });
});

describe('the IOPS of a volume', () => {
  it.each([
    ['io1', 4, 200],
    ['io1', 60, 3_000],
    ['io1', 16_384, 3_000],
    ['io2', 4, 2_000],
    ['io2', 6, 3_000],
    ['gp3', 100, undefined],
    ['standard', 100, undefined],
  ])('%s of %d GiB are asked for: %s', (type, sizeGiB, iops) => {
    expect(iopsOf(type, sizeGiB)).toBe(iops);
  });
});
