// Writes the page that `analyze --html` makes, of volumes that do not exist:
// node dist/scripts/example-page.js FILE [volumes] [name of the sixth]
import { writePage } from '../src/cli/page/index.js';
import { advise, type RegionUsage } from '../src/commands/index.js';
import { snapshotId, volumeId } from '../src/core/index.js';
import type { BilledDay, VolumeUsage } from '../src/costs/index.js';

const hostileName = '<script>alert("a name is text")</script>';
const [file = 'example.html', howMany = '12', sixthName = hostileName] = process.argv.slice(2);

/** Always the same figures: a linear congruential generator. */
let state = 7;
const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;

/** Name, size in GiB, share in use, change between snapshots, snapshots, whether it is gone. */
const kinds: readonly (readonly [string, number, number, number, number, boolean])[] = [
  ['MySQL replica', 500, 0.9, 0.45, 16, false],
  ['mail archive', 2048, 0.8, 0.002, 24, false],
  ['build server', 200, 0.7, 0.6, 30, false],
  ['web server', 50, 0.4, 0.02, 52, false],
  ['analytics 2023', 4096, 0.5, 0.12, 6, true],
  [sixthName, 20, 0.2, 0.02, 6, true],
  ['CI cache', 100, 0.9, 0.8, 14, false],
  ['file share', 1024, 0.75, 0.01, 36, false],
];

function exampleVolume(at: number): VolumeUsage {
  const [name, volumeGiB, inUse, change, count, isDeleted] = kinds[at % kinds.length] ?? ['none', 1, 1, 0, 1, false];
  const id = volumeId(`vol-${(0x0a1b2c3d4e5f60000 + at * 7919).toString(16).padStart(17, '0').slice(-17)}`);
  const region = at % 3 === 2 ? 'eu-central-1' : 'us-east-1';
  const rate = region === 'us-east-1' ? 0.05 : 0.054;
  const snapshots = Array.from({ length: count }, (_, number) => {
    const gib = volumeGiB * (number === 0 ? inUse : change * (0.5 + random()));
    const startTime = new Date(Date.UTC(2026, 10, 1) - (count - number) * 7 * 86_400_000);
    return {
      snapshotId: snapshotId(`snap-${(at * 1_000 + number).toString(16).padStart(17, '0')}`),
      tier: 'standard' as const,
      gibMonths: gib,
      dollarsPerMonth: gib * rate,
      periodStart: '2026-11-01T00:00:00Z',
      facts: { volumeId: id, volumeGiB, fullGiB: volumeGiB * inUse, startTime, description: '', tags: {} },
    };
  });
  const number = at < kinds.length ? '' : ` ${Math.floor(at / kinds.length) + 1}`;
  const place = { account: '123456789012', region, partition: 'aws', currency: 'USD' };
  return { origin: 'volume', volumeId: id, ...place, volumeGiB, name: `${name}${number}`, isDeleted, snapshots };
}

function exampleRegion(region: string, all: readonly VolumeUsage[]): RegionUsage {
  const volumes = all.filter((volume) => volume.region === region);
  const snapshots = volumes.flatMap((volume) => volume.snapshots);
  const dollarsPerMonth = snapshots.reduce((sum, one) => sum + one.dollarsPerMonth, 0);
  const deleted = { snapshots: 0, dollarsPerMonth: 0 };
  const place = { account: '123456789012', region, currency: 'USD' };
  return { ...place, dollarsPerMonth, snapshots: snapshots.length, deleted, volumes };
}

const volumes = Array.from({ length: Number(howMany) }, (_, at) => exampleVolume(at));
const regions = ['us-east-1', 'eu-central-1'].map((region) => exampleRegion(region, volumes));
const perDay = regions.reduce((sum, { dollarsPerMonth }) => sum + dollarsPerMonth, 0) / 30;
const days = Array.from({ length: 30 }, (_, at): BilledDay => {
  const day = new Date(Date.UTC(2026, 9, 2 + at)).toISOString().slice(0, 10);
  const dollars = perDay * (0.8 + at / 150);
  return { day, dollars, gibMonths: dollars / 0.05 };
});
const settings = {
  destination: 'DEEP_ARCHIVE',
  compressionRatio: 2,
  keepNewest: undefined,
  mostPaybackMonths: 12,
} as const;
const regionsAdvised = advise(regions, { ...settings, tag: 'snap-to-s3', priceFile: undefined });
const context = { destination: settings.destination, compressionRatio: 2, ratioFrom: 'as given' };
await writePage(file, { regions: regionsAdvised, context, days, madeAt: new Date('2026-11-02T00:00:00Z') });
