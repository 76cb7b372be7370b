import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ndjsonRenderer } from '../../src/cli/render/ndjson.js';
import { plainRenderer } from '../../src/cli/render/plain.js';
import type { Renderer } from '../../src/cli/render/index.js';
import { sentenceOf } from '../../src/cli/render/sentences.js';
import { terminalRenderer } from '../../src/cli/render/terminal.js';
import { AppError, snapshotId, type AppEvent, type Clock } from '../../src/core/index.js';

const id = snapshotId('snap-0123456789abcdef0');
const object = { key: `vol-1/2026-01-01T00:00:00+00:00 ${id}.1.tar.lz4`, rawBytes: 2048, storedBytes: 1024 };
const progress = (rawBytes: number): AppEvent & { kind: 'progress' } => ({
  kind: 'progress',
  snapshotId: id,
  key: object.key,
  rawBytes,
  storedBytes: 0,
  expectedRawBytes: 200 * 1024 ** 2,
});
const failure: AppEvent = {
  kind: 'snapshot-failed',
  snapshotId: id,
  error: new AppError('mount-failed', 'It does not\u001b[31m mount.', { hint: 'Use --dd.', details: { a: 1 } }),
};

/** A stream that remembers what was written, with the shape of a terminal. */
function stream(isTTY = false, size: { columns?: number; rows?: number } = {}) {
  let text = '';
  const through = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 30, ...size });
  through.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return { stream: through as unknown as NodeJS.WriteStream, text: () => text };
}
function manualClock(): Clock & { nowMs: number } {
  const clock = { nowMs: 0, now: () => clock.nowMs, sleep: () => Promise.resolve() };
  return clock;
}

describe('plain output', () => {
  it('says each step in a line, trouble on standard error, control characters made visible', () => {
    const [out, err] = [stream(), stream()];
    using renderer = plainRenderer({ stdout: out.stream, stderr: err.stream }, manualClock());
    renderer.event({ kind: 'snapshots-found', task: 'migrate', snapshotIds: [id] });
    renderer.event({ kind: 'object-archived', snapshotId: id, object });
    renderer.event({ kind: 'notice', snapshotId: id, text: 'Swap is left out.' });
    renderer.event({ kind: 'warning', text: 'tar: socket ignored' });
    renderer.event(failure);
    expect(out.text()).toBe(
      `1 snapshot to migrate.\n${id}: ${object.key}: 2.00 KiB -> 1.00 KiB (50 %)\nNote: ${id}: Swap is left out.\n`,
    );
    expect(err.text()).toBe(`Warning: tar: socket ignored\n${id}: Failed: It does not\\u{1b}[31m mount. Use --dd.\n`);
  });

  it('tells progress every half minute and no more', () => {
    const [out, err] = [stream(), stream()];
    const clock = manualClock();
    using renderer = plainRenderer({ stdout: out.stream, stderr: err.stream }, clock);
    for (clock.nowMs = 0; clock.nowMs <= 60_000; clock.nowMs += 100) renderer.event(progress(1024 ** 2));
    expect(out.text().trim().split('\n')).toHaveLength(2);
    expect(out.text()).toContain('1.00 MiB of about 200 MiB read');
  });
});

describe('NDJSON', () => {
  it('is one object a line, errors with their parts', () => {
    const [out, err] = [stream(), stream()];
    using renderer = ndjsonRenderer({ stdout: out.stream, stderr: err.stream }, manualClock());
    renderer.event(progress(7));
    renderer.event(progress(8));
    renderer.event(failure);
    const lines = out
      .text()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toEqual([
      progress(7),
      {
        kind: 'snapshot-failed',
        snapshotId: id,
        error: { code: 'mount-failed', message: 'It does not\u001b[31m mount.', hint: 'Use --dd.', details: { a: 1 } },
      },
    ]);
  });
});

describe('NDJSON that somebody looks at in a terminal', () => {
  it('has no character that steers it, and says the same', () => {
    const [out, err] = [stream(), stream()];
    using renderer = ndjsonRenderer({ stdout: out.stream, stderr: err.stream }, manualClock());
    const event: AppEvent = { kind: 'warning', text: 'a\u001b[31m b\u009b31m c\u202e d\u2028 läuft 💩' };
    renderer.event(event);
    expect(out.text()).toMatch(/^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]*\n$/);
    expect(out.text()).toContain('läuft 💩');
    expect(JSON.parse(out.text())).toEqual(event);
  });
});

describe('the terminal', () => {
  it('draws a bar with bytes, rate and time left, and removes it when the object is there', () => {
    const out = stream(true);
    const clock = manualClock();
    using renderer = terminalRenderer({ stdout: out.stream, stderr: out.stream }, { clock, colour: false });
    renderer.event(progress(0));
    clock.nowMs = 2_000;
    renderer.event(progress(50 * 1024 ** 2));
    expect(out.text()).toContain(`${id}.1  [====>            ]   25 %  50.0 MiB of 200 MiB  25.0 MiB/s  6.0 s left`);
    const before = out.text().length;
    renderer.event({ kind: 'object-archived', snapshotId: id, object });
    expect(out.text().slice(before)).toContain('✓ ');
    expect(out.text().slice(before)).not.toContain('[=');
  });

  const ids = Array.from({ length: 4 }, (_, index) => snapshotId(`snap-0000000000000000${index}`));
  const progressOf = (one: string, rawBytes = 1024 ** 2): AppEvent => ({
    ...progress(rawBytes),
    snapshotId: snapshotId(one),
    key: `vol-1/2026-01-01T00:00:00+00:00 ${one}.tar.lz4`,
  });
  /** What stands below the last line that stays: everything is drawn anew there. */
  const drawn = (out: ReturnType<typeof stream>, renderer: Renderer): string[] => {
    renderer.say('below here');
    const below = out.text().split('below here\n').at(-1) ?? '';
    return below
      .replaceAll(/\u001b\[[?0-9;]*[A-Za-z]/g, '')
      .split('\n')
      .filter((line) => line !== '');
  };

  it.each([20, 40, 60, 80, 120])('has a bar for each snapshot, which never wraps in %i columns', (columns) => {
    const out = stream(true, { columns });
    using renderer = terminalRenderer(
      { stdout: out.stream, stderr: out.stream },
      { clock: manualClock(), colour: false },
    );
    for (const one of ids) renderer.event(progressOf(one));
    const lines = drawn(out, renderer);
    expect(lines).toHaveLength(4);
    for (const [index, line] of lines.entries()) {
      expect(line.length).toBeLessThan(columns);
      expect(line).toContain((ids[index] ?? '').slice(0, columns - 4));
    }
  });

  it('draws no more bars than there are lines', () => {
    const out = stream(true, { rows: 4 });
    using renderer = terminalRenderer(
      { stdout: out.stream, stderr: out.stream },
      { clock: manualClock(), colour: false },
    );
    for (const one of ids) renderer.event(progressOf(one));
    expect(drawn(out, renderer).at(-1)).toBe('  and 3 archives more');
  });

  it.each([
    ['snapshot-failed', { ...failure, snapshotId: ids[1] }],
    ['snapshot-left', { kind: 'snapshot-left', snapshotId: ids[1], why: 'Another run has it.' }],
    [
      'snapshot-archived',
      { kind: 'snapshot-archived', snapshotId: ids[1], manifestKey: '', objects: [], elapsedMs: 1 },
    ],
  ])('takes a bar away on %s, and what is still on its way does not bring it back', (_, event) => {
    const out = stream(true);
    const clock = manualClock();
    using renderer = terminalRenderer({ stdout: out.stream, stderr: out.stream }, { clock, colour: false });
    for (const one of ids.slice(0, 2)) renderer.event(progressOf(one));
    renderer.event(event as AppEvent);
    clock.nowMs = 1_000;
    renderer.event(progressOf(ids[1] ?? '', 5));
    renderer.event(progressOf(ids[0] ?? '', 5));
    expect(drawn(out, renderer)).toEqual([expect.stringContaining(ids[0] ?? '')]);
  });
});

describe('the summary', () => {
  const finished = {
    kind: 'run-finished',
    archived: 3,
    restored: 0,
    askedFor: 0,
    validated: [],
    failed: [],
    left: 0,
    rawBytes: 12.3 * 1024 ** 3,
    storedBytes: 4.5 * 1024 ** 3,
    elapsedMs: 123_000,
  } as const;
  it.each([
    [finished, '3 snapshots archived, 12.3 GiB -> 4.50 GiB (37 %), 2 min 3 s.'],
    [{ ...finished, left: 2 }, '3 snapshots archived, 12.3 GiB -> 4.50 GiB (37 %), 2 min 3 s; 2 left to other runs.'],
    [
      { ...finished, failed: [{ snapshotId: id, message: 'It does not\u001b[31m mount.' }] },
      `3 snapshots archived, 12.3 GiB -> 4.50 GiB (37 %), 2 min 3 s; 1 failed:\n  ${id}: failed: It does not\\u{1b}[31m mount.`,
    ],
    [
      { ...finished, validated: [id], failed: [{ snapshotId: id, message: 'It differs.' }] },
      `3 snapshots archived, 1 snapshot validated, 12.3 GiB -> 4.50 GiB (37 %), 2 min 3 s; 1 failed:\n  ${id}: validated\n  ${id}: failed: It differs.`,
    ],
    [{ ...finished, archived: 0 }, 'No snapshot finished, 2 min 3 s.'],
  ])('%j -> %s', (event, sentence) => {
    expect(sentenceOf(event)?.text).toBe(sentence);
  });
});
