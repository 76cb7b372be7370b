import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { presignedUrl } from '../../support/presigned.js';
import { sandboxMain } from '../../../sandbox/cli/main.js';
import { runningSandbox } from '../../../sandbox/index.js';
import { poll, systemClock } from '../../../src/core/index.js';
import { statusAndCode } from '../s3/support.js';

async function stateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function captured() {
  const lines: Record<'out' | 'err', string[]> = { out: [], err: [] };
  vi.spyOn(console, 'log').mockImplementation((text: string) => void lines.out.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void lines.err.push(text));
  onTestFinished(() => void vi.restoreAllMocks());
  return lines;
}

describe('snap-to-s3 sandbox start --fault', () => {
  it('injects faults that can be shown, added and cleared while it runs, and says in the end how often each fired', async () => {
    const io = captured();
    const state = await stateDirectory();
    const of = async (...argv: string[]) => {
      const [out, err] = [io.out.length, io.err.length];
      const status = await sandboxMain(argv);
      return { status, out: io.out.slice(out), err: io.err.slice(err) };
    };
    const faults = (...argv: string[]) => of('faults', ...argv, '--state', state);
    const specs = ['--fault', 's3:ListBuckets=throttled,times=2', '--fault', 'sts:*=unavailable'];
    const running = sandboxMain(['start', '--state', state, '--port', '0', ...specs]);
    const sandbox = await poll(
      async () => (io.err.some((line) => line.includes('End it with Ctrl+C')) ? runningSandbox(state) : undefined),
      { clock: systemClock, intervalMs: 10, timeoutMs: 10_000 },
    );
    const url = sandbox?.url ?? '';
    expect(await statusAndCode(presignedUrl(url, 'GET', '/'))).toEqual([503, 'SlowDown']);
    expect(await faults()).toEqual({
      status: 0,
      out: [
        's3:ListBuckets=throttled,times=2 fired 1 time (1 matching request).',
        'sts:*=unavailable has not fired (0 matching requests).',
      ],
      err: [],
    });
    expect(await faults('clear')).toMatchObject({ status: 0, out: { length: 2 } });
    expect(await statusAndCode(presignedUrl(url, 'GET', '/'))).toEqual([200, undefined]);
    expect(await faults('list')).toEqual({ status: 0, out: [], err: ['The sandbox has no faults.'] });
    expect(await faults('add', 's3:List*=internal-error', 'ec2:*=expired-token')).toMatchObject({
      status: 0,
      out: { length: 2 },
    });
    expect(await statusAndCode(presignedUrl(url, 'GET', '/'))).toEqual([500, 'InternalError']);
    expect(await faults('add', 's3:HeadObject=slow')).toEqual({
      status: 2,
      out: [],
      err: ['Error: The fault slow needs bytes-per-second.', 'It has: bytes-per-second, body.'],
    });
    expect(await faults('add', 's3:HeadObject=error-in-200')).toMatchObject({
      status: 2,
      err: ['Error: s3:HeadObject cannot have the fault error-in-200.', expect.stringContaining('CopyObject')],
    });
    expect((await stat(join(state, 'control.sock'))).mode & 0o777).toBe(0o600);
    const before = io.err.length;
    process.emit('SIGTERM');
    expect(await running).toBe(0);
    expect(io.err.slice(before)).toEqual([
      's3:List*=internal-error fired 1 time (1 matching request).',
      'ec2:*=expired-token has not fired (0 matching requests).',
      'The sandbox has ended; its state is kept.',
    ]);
    expect(await faults()).toEqual({
      status: 2,
      out: [],
      err: [`Error: No sandbox runs on ${state}.`, 'Start one in another terminal with: snap-to-s3 sandbox start'],
    });
  });

  it.each([
    ['s3:UploadPart', 'Error: "s3:UploadPart" does not say which fault is meant.'],
    ['s3:UploadPart=slowly', 'Error: "slowly" is not a kind of fault.'],
    ['s3:UploadPrt=throttled', 'Error: The sandbox has no operation "s3:UploadPrt".'],
    ['s3:HeadObject=truncated,after-bytes=1', 'Error: s3:HeadObject cannot have the fault truncated.'],
  ])('%s: a sentence, a hint, and status 2', async (spec, sentence) => {
    const io = captured();
    const state = await stateDirectory();
    expect(await sandboxMain(['start', '--state', state, '--port', '0', '--fault', spec])).toBe(2);
    expect(io.err).toEqual([sentence, expect.stringMatching(/\.$|times=3$/)]);
    expect(io.out).toEqual([]);
    expect(await runningSandbox(state)).toBeUndefined();
  });
});
