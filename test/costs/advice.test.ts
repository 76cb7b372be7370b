import { describe, expect, it } from 'vitest';
import { adviceLines } from '../../src/cli/render/advice.js';
import { advise } from '../../src/commands/index.js';
import { daily, madeOptions as options, madeVolume as volume, type Made } from './make-volume.js';
import {
  adviseVolume,
  parsePriceFile,
  perGiBMonth,
  pricesOf,
  snapshotCount,
  type AdviceOptions,
  type VolumeUsage,
} from '../../src/costs/index.js';

// What is advised, against sums done by hand and against every other way of doing it.

const { prices } = options;

/** Advice for a volume that is known, with a plan. */
function advised(of: VolumeUsage, how: AdviceOptions) {
  const advice = adviseVolume(of, how);
  const { plan, fullGiB, worthwhileChange } = advice;
  if (plan === undefined || fullGiB === undefined || worthwhileChange === undefined) throw new Error(advice.reason);
  return { ...advice, plan, fullGiB, worthwhileChange };
}

describe('advice for a volume', () => {
  it('that is there: all but the newest move, which is whole then', () => {
    const advice = advised(volume(daily(60, 30, 12)), options);
    expect(advice).toMatchObject({ action: 'move-older', reason: 'cheaper', held: 0, alreadyMoved: 0, fullGiB: 60 });
    expect(advice.move).toHaveLength(11);
    expect(advice.meanChange).toBeCloseTo(0.3, 12);
    expect(advice.dollarsPerMonth).toBeCloseTo(0.05 * (60 + 11 * 30), 9);
    // The newest, whole, in EBS, and eleven copies of 30 GiB.
    expect(advice.plan.dollarsPerMonthAfter).toBeCloseTo(0.05 * 60 + 11 * 30 * 0.00099, 9);
    // A copy is 30 GiB at 0.00099, the change of 100 GiB is 0.05: they are equal at 0.594 %.
    expect(advice.worthwhileChange).toBeCloseTo((30 * 0.00099) / 0.05 / 100, 12);
    expect(advice.plan.leastTermDollars).toBeCloseTo((11 * 30 * 0.00099 * 180 * 12) / 365, 9);
  });

  it('that is deleted: all of them move', () => {
    const advice = advised(volume(daily(60, 30, 12), { isDeleted: true }), options);
    expect([advice.action, advice.move.length]).toEqual(['move-all', 12]);
    expect(advice.plan.dollarsPerMonthAfter).toBeCloseTo(12 * 30 * 0.00099, 9);
  });

  it('with one snapshot: it is the base of the next, unless there will be none', () => {
    expect(advised(volume([{ gib: 60 }]), options)).toMatchObject({ action: 'leave', reason: 'only-newest' });
    expect(advised(volume([{ gib: 60 }], { isDeleted: true }), options).action).toBe('move-all');
  });

  it('of which little changes: it stays', () => {
    const advice = advised(volume(daily(60, 0.1, 12)), options);
    expect(advice).toMatchObject({ action: 'leave', reason: 'little-changes', move: [] });
    expect(advice.meanChange).toBeLessThan(advice.worthwhileChange);
  });

  it('keeps as many as are asked for', () => {
    const advice = advised(volume(daily(60, 30, 12)), { ...options, keepNewest: 4 });
    expect(advice.move).toHaveLength(8);
    expect(advice.plan.dollarsPerMonthAfter).toBeCloseTo(0.05 * (60 + 3 * 30) + 8 * 30 * 0.00099, 9);
  });

  it('leaves what is moved already, and what only others can delete', () => {
    const made: readonly Made[] = [
      { gib: 60, description: 'Created by CreateImage(i-0123) for ami-0123' },
      {
        gib: 0.1,
        description: 'Copied for DestinationAmi ami-0123 from SourceAmi ami-0456 for SourceSnapshot snap-1.',
      },
      { gib: 30, tags: { 'aws:backup:source-resource': 'vol-1' } },
      { gib: 30, tags: { 'snap-to-s3': 'validated' } },
      { gib: 60, tier: 'archive' },
      { gib: 40 },
      { gib: 40 },
      { gib: 30 },
    ];
    const advice = advised(volume(made), options);
    expect(advice).toMatchObject({ held: 4, alreadyMoved: 1, action: 'move-older' });
    expect(advice.move).toEqual(['snap-00000000000000005', 'snap-00000000000000006']);
    // Those that stay have all that changed since the one before that stays: at the most everything.
    expect(advice.plan.dollarsPerMonthAfter).toBeCloseTo(0.05 * (60 + 0.1 + 30 + 30 + 60) + 2 * 30 * 0.00099, 9);
    const held = advised(volume(made.slice(0, 5), { isDeleted: true }), options);
    expect(held).toMatchObject({ action: 'leave', reason: 'nothing-to-move' });
  });

  it('whose move pays off too late: it stays', () => {
    const advice = advised(volume(daily(60, 1, 12)), { ...options, mostPaybackMonths: 1 });
    expect(advice).toMatchObject({ action: 'leave', reason: 'long-payback' });
    expect(advice.plan.paybackMonths).toBeGreaterThan(1);
    expect(advice.plan.paybackMonths).toBeCloseTo(advice.plan.onceDollars.high / advice.plan.savesDollarsPerMonth, 9);
  });

  it('takes the size of a copy from EC2 where it tells, and the rate from the report', () => {
    const made = daily(60, 30, 12).map((one) => ({ ...one, fullGiB: 80 }));
    const told = advised(volume(made), options);
    expect(told).toMatchObject({ fullGiB: 80, fullGiBFrom: 'ec2' });
    expect(told.plan.dollarsPerMonthAfter).toBeCloseTo(0.05 * 80 + 11 * 40 * 0.00099, 9);
    const whole = volume(daily(60, 30, 12));
    const half = {
      ...whole,
      snapshots: whole.snapshots.map((one) => ({ ...one, dollarsPerMonth: one.gibMonths * 0.025 })),
    };
    expect(advised(half, options).plan.dollarsPerMonthAfter).toBeCloseTo(0.025 * 60 + 11 * 30 * 0.00099, 9);
  });

  it('says nothing where dates or prices are not known, and invents none', () => {
    const nothing = {
      action: 'leave',
      move: [],
      plan: undefined,
      classes: [],
      fullGiB: undefined,
      meanChange: undefined,
    };
    const unknown: VolumeUsage = { ...volume(daily(60, 30, 12)), origin: 'unknown', volumeId: undefined };
    expect(adviseVolume(unknown, options)).toMatchObject({ ...nothing, reason: 'unknown-volume' });
    const china = { ...volume(daily(60, 30, 12), { region: 'cn-north-1' }), currency: 'CNY' };
    const listed = { ...options, prices: pricesOf('cn-north-1') };
    expect(adviseVolume(china, listed)).toMatchObject({ ...nothing, reason: 'unknown-prices' });
    const file = parsePriceFile('{"date":"2026-01-31","regions":{"cn-north-1":{"snapshotPerGiBMonth":0.3}}}', 'f');
    expect(adviseVolume(china, { ...options, prices: pricesOf('cn-north-1', file) }).action).toBe('move-older');
  });

  it('leaves copies, of which nobody tells what they share', () => {
    const copy: VolumeUsage = { ...volume([{ gib: 60 }], { isDeleted: true }), origin: 'copy', volumeId: undefined };
    expect(advised(copy, options)).toMatchObject({ action: 'leave', reason: 'copy', move: [] });
  });

  it('leaves what is in both tiers, which is one snapshot', () => {
    const [first, second, third] = volume([{ gib: 60 }, { gib: 30 }, { gib: 30 }], { isDeleted: true }).snapshots;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were made');
    const snapshots = [first, second, { ...second, tier: 'archive' as const, gibMonths: 60 }, third];
    const advice = advised({ ...volume([], { isDeleted: true }), snapshots }, options);
    expect(advice).toMatchObject({ held: 1, action: 'move-all', dollarsPerMonth: 0.05 * 90 });
    expect(advice.move).toEqual([first.snapshotId, third.snapshotId]);
    expect(snapshotCount({ snapshots })).toBe(3);
  });

  it('costs nothing at first in EBS, and the instance, the volume and the requests in S3', () => {
    const { classes, plan } = advised(volume(daily(60, 30, 3)), options);
    expect(classes.find(({ destination }) => destination === 'EBS_ARCHIVE')?.onceDollars).toEqual({ low: 0, high: 0 });
    const hours = (60 * 1024) / 3.5 / 3_600;
    // Parts are staged in STANDARD; only the end of the upload costs what Deep Archive does.
    const requests = ((Math.ceil((30 * 1024) / 8) + 1) * 0.005 + 0.05 + 20 * 0.005) / 1_000;
    // 512 KiB a block, three tenths of a cent for a thousand.
    expect(plan.directReadDollars).toBeCloseTo(2 * ((60 * 2048) / 1_000) * 0.003, 9);
    expect(plan.backDollars).toBeCloseTo(30 * 0.02, 9);
    const back = (destination: string): number | undefined =>
      classes.find((one) => one.destination === destination)?.backDollars;
    expect([back('EBS_ARCHIVE'), back('GLACIER_IR'), back('STANDARD_IA')]).toEqual([60 * 0.03, 30 * 0.03, 30 * 0.01]);
    expect([back('GLACIER'), back('STANDARD')]).toEqual([30 * 0.01, 0]);
    expect(plan.onceDollars.high).toBeCloseTo(2 * (requests + hours * ((100 * 0.05) / 730 + 0.0416)), 9);
  });
});

describe('the best plan', () => {
  // A linear congruential generator: the same volumes each time.
  let state = 42;
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const cases = Array.from({ length: 200 }, () => {
    const full = 1 + 99 * random();
    const count = 2 + Math.floor(random() * 14);
    return volume(
      Array.from({ length: count }, (_, at) => ({ gib: at === 0 ? full : full * random() ** 6 })),
      { isDeleted: random() < 0.3 },
    );
  });

  it('is never dearer than moving any other number of the oldest', () => {
    let moves = 0;
    for (const made of cases) {
      const { plan, fullGiB, dollarsPerMonth } = advised(made, options);
      const perCopy = fullGiB * perGiBMonth('DEEP_ARCHIVE', 2, prices);
      const most = made.snapshots.length - (made.isDeleted === true ? 0 : 1);
      expect(plan.dollarsPerMonthAfter).toBeLessThanOrEqual(dollarsPerMonth);
      if (plan.moved > 0) moves += 1;
      for (let moved = 1; moved <= most; moved += 1) {
        const left = made.snapshots.slice(moved);
        const kept = left.reduce((sum, { gibMonths }, at) => sum + (at === 0 ? fullGiB : gibMonths), 0);
        expect(plan.dollarsPerMonthAfter).toBeLessThanOrEqual(0.05 * kept + moved * perCopy + 1e-9);
      }
    }
    // Both ends are among them.
    expect(moves).toBeGreaterThan(100);
    expect(moves).toBeLessThan(200);
  });
});

it('advice as people see it', () => {
  const volumes = [
    volume(daily(448, 200, 16), { volumeGiB: 500, name: 'MySQL Slave DB' }),
    volume(daily(2.4, 0.1, 6), { volumeGiB: 20, isDeleted: true, id: 'vol-00000002' }),
    volume(daily(60, 0.1, 12), { id: 'vol-00000003' }),
  ];
  const deleted = { snapshots: 0, dollarsPerMonth: 0 };
  const place = { account: '123456789012', region: 'us-east-1', currency: 'USD' };
  const region = { ...place, dollarsPerMonth: 177.755, snapshots: 34, deleted, volumes };
  const advised = advise([region], { ...options, priceFile: undefined, compressionRatio: 1 });
  const lines = [...adviceLines(advised, { destination: 'DEEP_ARCHIVE', compressionRatio: 1, ratioFrom: 'assumed' })];
  expect(lines.join('\n')).toBe(
    `
Advice: move 21 snapshots of 2 volumes to Deep Archive. That saves $143 of $178 a month, once they are deleted in EBS.

volume                                   now    after   saves     moving costs  pays off  advice
vol-00000001 (500GB, MySQL Slave DB)    $172    $29.1    $143      $3.58-$42.1   month 1  move the oldest 15: 40% changes each time, a copy pays from 1.8% on
vol-00000002 (20GB, deleted)          $0.145  $0.0143  $0.131  $0.0192-$0.0660   month 1  move all 6: a full copy in Deep Archive is cheaper
vol-00000003 (100GB)                   $3.05                                              leave: 0.10% changes each time, a copy pays from 1.2% on

What all snapshots of a volume cost a month, in EBS and as full copies elsewhere, compressed 1:1 (assumed):

volume                                EBS now  S3 Std   S3 IA  Glacier IR  Glacier  Deep Archive  EBS archive
vol-00000001 (500GB, MySQL Slave DB)     $172    $165   $89.6       $28.7    $25.8         $7.10        $89.6
vol-00000002 (20GB, deleted)           $0.145  $0.331  $0.180     $0.0576  $0.0518       $0.0143       $0.180
vol-00000003 (100GB)                    $3.05   $16.6   $9.00       $2.88    $2.59        $0.713        $9.00

What moving takes, class by class, of as many of the oldest snapshots as save the most there:

volume                                to            moves    saves     moving costs  direct reads  least term  one copy back  pays off
vol-00000001 (500GB, MySQL Slave DB)  S3 IA            15    $66.0      $4.25-$42.8         $41.3       $82.8          $4.48   month 1
                                      Glacier IR       15     $123      $5.60-$44.1         $41.3       $79.5          $13.4   month 1
                                      Glacier          15     $126      $3.58-$42.1         $41.3       $71.6          $4.48   month 1
                                      Deep Archive     15     $143      $3.58-$42.1         $41.3       $39.4          $8.96   month 1
                                      EBS archive      15    $66.0               $0            $0        $249          $13.4   month 1
vol-00000002 (20GB, deleted)          Glacier IR        6  $0.0874   $0.0634-$0.110       $0.0885      $0.170        $0.0720   month 2
                                      Glacier           6  $0.0932  $0.0191-$0.0659       $0.0885      $0.153        $0.0240   month 1
                                      Deep Archive      6   $0.131  $0.0192-$0.0660       $0.0885     $0.0844        $0.0480   month 1

Direct reads are what the EBS direct APIs would take instead of volume and instance; the least term is owed however early
archives are deleted; a copy back is read, or thawed at the tier Standard.

Prices of us-east-1: list prices of 2026-11-01.
EBS costs what the report says. See the guide on costs for how the rest is guessed.`.trim(),
  );
});
