import { describe, expect, it } from 'vitest';
import { adviceSentence } from '../../src/cli/render/advice.js';
import { adviseVolume, pricesOf, type AdviceOptions, type Reason, type VolumeUsage } from '../../src/costs/index.js';
import { daily, madeOptions, madeVolume, type Made } from './make-volume.js';

// Every reason as people read it.

function sentence(volume: VolumeUsage, changes: Partial<AdviceOptions> = {}): readonly [Reason, string] {
  const options = { ...madeOptions, ...changes };
  const advice = adviseVolume(volume, options);
  return [advice.reason, adviceSentence(advice, options)];
}

const ofImage = 'Created by CreateImage(i-0123) for ami-0123';
const held: Made = { gib: 30, description: ofImage };
const moved: Made = { gib: 30, tags: { 'snap-to-s3': 'validated' } };
const inArchive: Made = { gib: 30, tier: 'archive' };
const deleted = { isDeleted: true };
const china = { ...madeVolume(daily(60, 30, 2), { region: 'cn-north-1' }), currency: 'CNY' };

type Case = readonly [volume: VolumeUsage, changes: Partial<AdviceOptions>, sentence: string];
const cases: Readonly<Record<Reason, readonly Case[]>> = {
  cheaper: [
    [madeVolume(daily(60, 30, 12), deleted), {}, 'move all 12: a full copy in Deep Archive is cheaper'],
    [madeVolume(daily(60, 30, 12)), {}, 'move the oldest 11: 30% changes each time, a copy pays from 0.59% on'],
    [
      madeVolume([...daily(60, 30, 3), moved, held, inArchive], deleted),
      {},
      'move the oldest 3: 30% changes each time, a copy pays from 0.59% on; 2 held by an AMI, AWS Backup or the archive tier, 1 in S3 already',
    ],
    [
      madeVolume([{ gib: 60 }, inArchive], deleted),
      {},
      'move all 1: a full copy in Deep Archive is cheaper; 1 held by an AMI, AWS Backup or the archive tier',
    ],
    // On average too little changes, but not after the oldest ones.
    [
      madeVolume(daily(60, 1, 12).map((one, at) => (at === 1 ? { gib: 40 } : one))),
      { destination: 'STANDARD_IA' },
      'move the oldest 1: a full copy in S3 IA costs less than what EBS frees',
    ],
    [
      madeVolume(daily(60, 0.1, 12).map((one, at) => (at === 1 || at === 2 ? { gib: 30 } : one))),
      { destination: 'STANDARD_IA' },
      'move the oldest 2: full copies in S3 IA cost less than what EBS frees',
    ],
  ],
  'little-changes': [
    [madeVolume(daily(60, 0.1, 12)), {}, 'leave: 0.10% changes each time, a copy pays from 0.59% on'],
    // Much changes, but the newest, which stays, holds most of it.
    [
      madeVolume([{ ...held, gib: 60 }, ...daily(0.1, 0.1, 5), { gib: 40 }]),
      {},
      'leave: EBS would free less than full copies in Deep Archive cost; 1 held by an AMI, AWS Backup or the archive tier',
    ],
    [
      madeVolume(daily(60, 5, 12).map((one) => ({ ...one, fullGiB: 100 }))),
      { destination: 'STANDARD', compressionRatio: 0.2 },
      'leave: 5.0% changes each time, and a copy never pays',
    ],
    [
      madeVolume([{ gib: 1, fullGiB: 100 }], deleted),
      { destination: 'STANDARD' },
      'leave: a full copy in S3 Std is no cheaper',
    ],
  ],
  'only-newest': [
    [madeVolume([{ gib: 60 }]), {}, 'leave: the newest is what the next one is built on'],
    [
      madeVolume([held, { gib: 60 }]),
      {},
      'leave: the newest is what the next one is built on; 1 held by an AMI, AWS Backup or the archive tier',
    ],
  ],
  'long-payback': [[madeVolume(daily(60, 1, 12)), { mostPaybackMonths: 1 }, 'leave: moving pays off only in month 13']],
  'nothing-to-move': [
    [madeVolume([moved], deleted), {}, 'leave: nothing to move; 1 in S3 already'],
    [
      madeVolume([held, inArchive], deleted),
      {},
      'leave: nothing to move; 2 held by an AMI, AWS Backup or the archive tier',
    ],
  ],
  copy: [
    [
      { ...madeVolume([{ gib: 60 }]), origin: 'copy', volumeId: undefined },
      {},
      'leave: a copy; which others share its blocks, EC2 does not tell',
    ],
  ],
  'unknown-prices': [
    [
      china,
      { prices: pricesOf('cn-north-1') },
      'leave: prices in this currency are not known; give them with --prices',
    ],
  ],
  'unknown-volume': [
    [
      { ...madeVolume(daily(60, 30, 2)), origin: 'unknown', volumeId: undefined },
      {},
      'leave: of which volume they are, and of when, EC2 does not tell',
    ],
  ],
};

describe('the sentence of advice', () => {
  it.each(Object.entries(cases).flatMap(([reason, of]) => of.map((one) => [one[2], reason, one] as const)))(
    '"%s" is said of %s',
    (_, reason, [volume, changes, expected]) => {
      expect(sentence(volume, changes)).toEqual([reason, expected]);
    },
  );

  it('never says that a change pays which it leaves, or that one does not which it moves', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const destinations = ['DEEP_ARCHIVE', 'GLACIER_IR', 'STANDARD_IA', 'STANDARD'] as const;
    const told = { move: 0, leave: 0 };
    for (let n = 0; n < 20_000; n += 1) {
      const most = random() < 0.5 ? 1 : 20;
      const made = Array.from({ length: 1 + Math.floor(random() * 12) }, (_, at): Made => {
        const gib = at === 0 ? 60 : random() * (random() < 0.3 ? 60 : most);
        return random() < 0.2 ? { gib, description: ofImage } : { gib };
      });
      const destination = destinations[n % 4] ?? 'STANDARD';
      const [, text] = sentence(madeVolume(made, { isDeleted: random() < 0.3 }), { destination });
      const [, verb = '', changed, paying] =
        /^(move|leave)\b.*: ([\d.]+)% changes each time, a copy pays from ([\d.]+)% on/.exec(text) ?? [];
      if (verb === '') continue;
      told[verb as keyof typeof told] += 1;
      // Both are rounded to two digits.
      if (verb === 'move') expect(Number(changed), text).toBeGreaterThanOrEqual(Number(paying));
      else expect(Number(changed), text).toBeLessThanOrEqual(Number(paying));
    }
    expect(told.move).toBeGreaterThan(1_000);
    expect(told.leave).toBeGreaterThan(500);
  });
});
