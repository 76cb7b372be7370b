import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ndjsonRenderer } from '../../src/cli/render/ndjson.js';
import { plainRenderer } from '../../src/cli/render/plain.js';
import { terminalRenderer } from '../../src/cli/render/terminal.js';
import { AppError, snapshotId, type AppEvent, type Clock } from '../../src/core/index.js';

const id = snapshotId('snap-0123456789abcdef0');
const object = { key: 'vol-1/k.tar.lz4', rawBytes: 2048, storedBytes: 1024 };
const progress = (rawBytes: number): AppEvent => ({
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
function stream(isTTY = false) {
  let text = '';
  const through = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 30 });
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
    renderer.event({ kind: 'snapshots-found', snapshotIds: [id] });
    renderer.event({ kind: 'object-archived', snapshotId: id, object });
    renderer.event({ kind: 'notice', snapshotId: id, text: 'Swap is left out.' });
    renderer.event({ kind: 'warning', text: 'tar: socket ignored' });
    renderer.event(failure);
    expect(out.text()).toBe(
      `1 snapshot to migrate.\n${id}: vol-1/k.tar.lz4: 2.00 KiB -> 1.00 KiB (50 %)\nNote: ${id}: Swap is left out.\n`,
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
    expect(out.text()).toContain('[======>                 ]   25 %  50.0 MiB of 200 MiB  25.0 MiB/s  6.0 s left');
    const before = out.text().length;
    renderer.event({ kind: 'object-archived', snapshotId: id, object });
    expect(out.text().slice(before)).toContain('✓ ');
    expect(out.text().slice(before)).not.toContain('[======>');
  });
});
