import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sandboxMain } from '../../../sandbox/cli/main.js';
import { runningSandbox } from '../../../sandbox/index.js';
import { poll, systemClock } from '../../../src/core/index.js';

async function stateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function captured() {
  const out: string[] = [];
  const err: string[] = [];
  const keep = (into: string[]) => (text: string | Uint8Array) => {
    into.push(String(text));
    return true;
  };
  vi.spyOn(console, 'log').mockImplementation((text: string) => void out.push(`${text}\n`));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void err.push(`${text}\n`));
  vi.spyOn(process.stdout, 'write').mockImplementation(keep(out));
  vi.spyOn(process.stderr, 'write').mockImplementation(keep(err));
  onTestFinished(() => void vi.restoreAllMocks());
  return { out: () => out.join(''), err: () => err.join('') };
}

describe('snap-to-s3 sandbox', () => {
  it('start prints exports ready for eval, runs until SIGTERM, and ends with 0', async () => {
    const io = captured();
    const state = await stateDirectory();
    const status = sandboxMain(['start', '--state', state, '--port', '0']);
    await poll(() => Promise.resolve(io.err().includes('End it with Ctrl+C') ? true : undefined), {
      clock: systemClock,
      intervalMs: 10,
      timeoutMs: 10_000,
    });
    const running = await runningSandbox(state);
    expect(io.out()).toBe(
      `export AWS_ENDPOINT_URL=${running?.url}\n` +
        `export AWS_EC2_METADATA_SERVICE_ENDPOINT=${running?.imdsUrl}/\n` +
        'export AWS_REGION=us-east-1\nexport AWS_DEFAULT_REGION=us-east-1\n' +
        '# As administrator instead:\n# export AWS_ACCESS_KEY_ID=AKIASANDBOXADMIN0001\n' +
        '# export AWS_SECRET_ACCESS_KEY=sandbox/administrator/of/the/local/AWS00\n',
    );
    const listeners = process.listenerCount('SIGTERM');
    process.emit('SIGTERM');
    expect(await status).toBe(0);
    expect(process.listenerCount('SIGTERM')).toBe(listeners - 1);
    expect(await runningSandbox(state)).toBeUndefined();
  });

  it.each(['0', 'fast', '-1'])('start --archive-speed %s -> usage', async (speed) => {
    const io = captured();
    expect(await sandboxMain(['start', `--archive-speed=${speed}`])).toBe(2);
    expect(io.err()).toContain(`"${speed}" is no speed`);
  });

  it.each(['0MiB/s', 'slow', '20', '20MB/s', '20MiB/s,fast', '20MiB/s,20'])(
    'start --lazy-loading %s -> usage',
    async (rate) => {
      const io = captured();
      expect(await sandboxMain(['start', `--lazy-loading=${rate}`])).toBe(2);
      expect(io.err()).toContain(`"${rate}" is no rate`);
    },
  );

  it('--help is enough to begin with', async () => {
    const io = captured();
    expect(await sandboxMain(['--help'])).toBe(0);
    expect(io.out()).toContain('start');
    expect(io.out()).toContain('seed');
    expect(io.out()).toContain('. ./sandbox.env');
    expect(await sandboxMain(['start', '--help'])).toBe(0);
    expect(io.out()).toContain('--port');
    expect(io.err()).toBe('');
  });

  it('usage errors are one sentence and a hint, with status 2', async () => {
    const io = captured();
    const state = await stateDirectory();
    const of = async (...argv: string[]) => {
      const before = io.err().length;
      return { status: await sandboxMain(argv), said: io.err().slice(before) };
    };
    expect(await of('start', '--port', 'http')).toEqual({
      status: 2,
      said: 'Error: "http" is not a port. Give a number from 0 (any) to 65534.\n',
    });
    expect(await of('seed', '--state', state)).toEqual({
      status: 2,
      said: `Error: No sandbox runs on ${state}.\nStart one in another terminal with: snap-to-s3 sandbox start\n`,
    });
    expect(await of('seed', '--endpoint', 'here')).toMatchObject({ status: 2 });
    expect(await of('start', '--state', state, '--port', '0', '--bucket', 'No_Bucket')).toMatchObject({
      status: 2,
      said: expect.stringContaining('"No_Bucket" cannot be the name of a bucket.'),
    });
    expect(await of('stop')).toMatchObject({ status: 2, said: expect.stringContaining('stop') });
    expect(await of('start', '--colour')).toMatchObject({ status: 2, said: expect.stringContaining('--colour') });
    expect((await of()).status).toBe(2);
  });

  it('start on a taken port is a usage error', async () => {
    const io = captured();
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await sandboxMain(['start', '--state', await stateDirectory(), '--port', String(port)])).toBe(2);
    expect(io.err()).toContain(`Port ${port} of 127.0.0.1 is taken.`);
  });
});
