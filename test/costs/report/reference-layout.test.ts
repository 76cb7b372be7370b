import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { analysisLines } from '../../../src/cli/render/analysis.js';
import { analyze } from '../../../src/commands/index.js';
import { snapshotId, volumeId, type SnapshotId } from '../../../src/core/index.js';
import { readReport, reportFiles } from '../../../src/costs/index.js';
import type { Ec2, Snapshot, Volume } from '../../../src/source/index.js';
import { csv, records, writeReport, type ReportLine } from './make-report.js';

// The existing tool's example, from a report that is built for it.

const example = `
Region us-west-2 ($166.16/month for 24 snapshots)
vol-xxx (500GB, MySQL Slave DB): 3016 GB total, $151/month for 16 snapshots, average snapshot change 32%
snap-xxx 2016-11-01 448.7 GB
snap-xxx 2016-12-01 261.7 GB (52%)
snap-xxx 2017-01-01 301.5 GB (60%)
snap-xxx 2017-02-01 275.4 GB (55%)
snap-xxx 2017-03-01 250.5 GB (50%)
snap-xxx 2017-04-01 279.3 GB (56%)
snap-xxx 2017-05-01 320.6 GB (64%)
snap-xxx 2017-05-17 218.1 GB (44%)
snap-xxx 2017-05-18 90.8 GB (18%)
snap-xxx 2017-05-19 85.2 GB (17%)
snap-xxx 2017-05-20 89.4 GB (18%)
snap-xxx 2017-05-21 93.2 GB (19%)
snap-xxx 2017-05-22 92.6 GB (19%)
snap-xxx 2017-05-23 82.8 GB (17%)
snap-xxx 2017-05-24 87.1 GB (17%)
snap-xxx 2017-05-25 39.5 GB (7.9%)

vol-xxx (20GB, deleted): 5 GB total, $0.247/month for 6 snapshots, average snapshot change 2.1%
snap-xxx 2015-04-27 2.4 GB
snap-xxx 2015-05-04 0.1 GB (0.43%)
snap-xxx 2015-06-01 0.1 GB (0.56%)
snap-xxx 2015-06-29 0.1 GB (0.62%)
snap-xxx 2016-04-25 2.2 GB (11%)
snap-xxx 2016-09-08 0.0 GB (0.069%)
`.trim();

/** Sizes as the example shows them; small ones from their share of the volume, which has more digits. */
const blocks = example
  .split('\n')
  .slice(1)
  .join('\n')
  .split('\n\n')
  .map((block) => {
    const [head = '', ...lines] = block.split('\n');
    const volumeGiB = Number(/\((\d+)GB/.exec(head)?.[1]);
    return lines.map((line) => {
      const [, date = '', size = '', , share] = /(\S+) (\S+) GB( \((\S+)%\))?/.exec(line) ?? [];
      const gib = Number(size) < 1 ? (Number(share) / 100) * volumeGiB : Number(size);
      return { date, gib };
    });
  });
// What the example has left out of its region: two snapshots, and what is missing of the sum.
const others = [
  { date: '2017-05-01', gib: 200 },
  { date: '2017-05-02', gib: 101.864 },
];
const volumes = [
  { id: volumeId('vol-00000001'), volumeGiB: 500, name: 'MySQL Slave DB', snapshots: blocks[0] ?? [] },
  { id: volumeId('vol-00000002'), volumeGiB: 20, name: undefined, snapshots: blocks[1] ?? [] },
  { id: volumeId('vol-00000003'), volumeGiB: 1000, name: '', snapshots: others },
];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-report-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function* each<T>(all: readonly T[]): AsyncGenerator<T, void> {
  await Promise.resolve();
  yield* all;
}

it("the existing tool's example comes out line for line", async () => {
  const lines: ReportLine[] = [];
  const snapshots: Snapshot[] = [];
  for (const volume of volumes) {
    for (const { date, gib } of volume.snapshots) {
      const id: SnapshotId = snapshotId(`snap-${String(snapshots.length).padStart(8, '0')}`);
      // Of May, which has 31 days.
      const amount = String(gib / 31);
      const cost = String((gib / 31) * 0.05);
      const [start, end] = ['2017-05-25T00:00:00', '2017-05-26T00:00:00'];
      lines.push({ snapshot: id, region: 'us-west-2', account: '123456789012', start, end, amount, cost });
      const facts = { startTime: new Date(date), volumeGiB: volume.volumeGiB, volumeId: volume.id };
      snapshots.push({ snapshotId: id, description: '', tags: {}, ...facts } as unknown as Snapshot);
    }
  }
  const there = volumes.filter(({ name }) => name !== undefined);
  const found = there.map(({ id, volumeGiB, name }) => {
    return { volumeId: id, sizeGiB: volumeGiB, tags: { Name: name } } as unknown as Volume;
  });
  const ec2 = { ownSnapshots: () => each(snapshots), ownVolumes: () => each(found) } as unknown as Ec2;
  const path = await writeReport(folder, csv(records('legacy', lines.toReversed())), {
    packing: 'gzip',
    name: 'report',
  });
  const files = await reportFiles({ paths: [path], input: Readable.from([]), temporaryDirectory: folder });
  const options = { memoryBytes: 500e6, temporaryDirectory: join(folder, 'spilled'), threads: 1 };
  const { usage } = await readReport(files, { cost: 'unblended', ...options });
  const signal = new AbortController().signal;
  const analysis = await analyze(usage, { ec2In: () => ec2, events: () => undefined, signal });
  const text = [...analysisLines(analysis)].join('\n').replace(/(snap|vol)-\d{8}/g, '$1-xxx');
  // The volume that the example leaves out comes between its two.
  const [first = '', leftOut = '', second = ''] = text.split('\n\n');
  expect(leftOut).toMatch(/^vol-xxx \(1000GB\): 302 GB total, \$15\.1\/month for 2 snapshots/);
  expect(`${first}\n\n${second}`).toBe(example);
});
