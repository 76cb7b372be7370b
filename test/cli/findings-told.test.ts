import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellFindings } from '../../src/cli/findings-told.js';
import { tellFindings as findingTeller } from '../../src/commands/archive-findings.js';
import { AppError, snapshotId, type AppEvent } from '../../src/core/index.js';

// Thousands of findings: the first hundred are told, all are in the report.

const id = snapshotId('snap-0123456789abcdef0');
const other = snapshotId('snap-0123456789abcdef1');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-findings-'));
});
afterAll(() => rm(folder, { recursive: true }));

const finding = (snapshot: typeof id, n: number): AppEvent => ({
  kind: 'finding',
  snapshotId: snapshot,
  key: 'vol-1/archive',
  problem: 'missing',
  path: `file-${n}`,
  text: 'file is on the volume, and not in the archive',
});
const failed = (snapshot: typeof id): AppEvent => ({
  kind: 'snapshot-failed',
  snapshotId: snapshot,
  error: new AppError('validation-failed', 'It is not what it should be.'),
});

/** What is passed on of these events. */
function told(events: readonly AppEvent[], options: Parameters<typeof tellFindings>[0]): readonly AppEvent[] {
  const passed: AppEvent[] = [];
  using telling = tellFindings(options, (event) => void passed.push(event));
  for (const event of events) telling.event(event);
  return passed;
}
const many = [
  ...Array.from({ length: 1_234 }, (_, n) => finding(id, n)),
  ...Array.from({ length: 100 }, (_, n) => finding(other, n)),
  failed(id),
  failed(other),
];
const findings = (events: readonly AppEvent[]) => events.filter(({ kind }) => kind === 'finding');
const notices = (events: readonly AppEvent[]) =>
  events.flatMap((event) => (event.kind === 'notice' ? [event.text] : []));

describe('many findings', () => {
  it('the first hundred of each snapshot, and how many more, before it is said that it failed', () => {
    const events = told(many, { reportFile: undefined, isComplete: false });
    expect(findings(events)).toEqual([...many.slice(0, 100), ...many.slice(1_234, 1_334)]);
    expect(notices(events)).toEqual([`${id}: 1,134 more such things; with --report <path> all are written to a file.`]);
    expect(events.slice(-3).map(({ kind }) => kind)).toEqual(['notice', 'snapshot-failed', 'snapshot-failed']);
  });

  it('for programs all of them', () => {
    const events = told(many, { reportFile: undefined, isComplete: true });
    expect(events).toEqual(many);
  });

  it('all of them in the report, which takes the place of another one and is no matter of strangers', async () => {
    const reportFile = join(folder, 'report');
    told([finding(id, 7)], { reportFile, isComplete: false });
    const events = told(many, { reportFile, isComplete: false });
    expect(notices(events)).toEqual([`${id}: 1,134 more such things; all are in ${reportFile}.`]);
    const lines = (await readFile(reportFile, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1_334);
    const { kind: _, ...first } = many[0] ?? failed(id);
    expect(JSON.parse(lines[0] ?? '')).toEqual(first);
    expect((await stat(reportFile)).mode & 0o007).toBe(0);
  });
});

describe('a report', () => {
  it('that cannot be opened -> a sentence with its name, before anything is done', () => {
    const reportFile = join(folder, 'none', 'report');
    expect(() => told([], { reportFile, isComplete: false })).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(reportFile),
        hint: expect.any(String),
      }),
    );
  });

  it('that can no longer be written to -> said once; findings are told all the same', () => {
    const events = told([finding(id, 1), finding(id, 2)], { reportFile: '/dev/full', isComplete: false });
    const warnings = events.filter(({ kind }) => kind === 'warning');
    expect(warnings).toMatchObject([{ text: expect.stringMatching(/^The report \/dev\/full can no longer .*ENOSPC/) }]);
    expect(findings(events)).toHaveLength(2);
  });

  it('has missing, extra and different ones with what differs, and names that are no text as bytes, too', async () => {
    const reportFile = join(folder, 'kinds');
    using telling = tellFindings({ reportFile, isComplete: false }, () => undefined);
    const teller = findingTeller({ snapshotId: id, key: 'vol-1/archive' }, telling.event);
    teller.tree({ kind: 'missing', path: Buffer.from('gone'), type: 'file' });
    teller.tree({ kind: 'extra', path: Buffer.from([0x61, 0xff, 0x0a]), type: 'directory' });
    const differences = [{ what: 'mode', archive: '0644', source: '0600' }] as const;
    teller.tree({ kind: 'different', path: Buffer.from('changed'), differences });
    const lines = (await readFile(reportFile, 'utf8')).trimEnd().split('\n');
    const base = { snapshotId: id, key: 'vol-1/archive' };
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...base, problem: 'missing', path: 'gone', text: 'file is on the volume, and not in the archive' },
      {
        ...base,
        problem: 'extra',
        path: 'a\ufffd\n',
        pathBase64: 'Yf8K',
        text: 'directory is in the archive, and not on the volume',
      },
      { ...base, problem: 'different', path: 'changed', text: 'mode is 0644, not 0600', differences },
    ]);
  });
});
