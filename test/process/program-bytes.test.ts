import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { programBytes, run } from '../../src/process/index.js';

const MiB = 1024 * 1024;

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** Waits until no process has this word among its arguments. */
async function gone(word: string): Promise<boolean> {
  const look = () =>
    run(['pgrep', '-f', word]).then(
      () => undefined,
      () => true as const,
    );
  return (await poll(look, { clock: systemClock, intervalMs: 20, timeoutMs: 5_000 })) ?? false;
}

describe('the bytes of a program', () => {
  it('are all that it writes, in order, read slowly or fast', async () => {
    const argv = ['seq', '1', '1000000'];
    const expected = await run(argv);
    expect((await collected(programBytes(argv))).equals(expected)).toBe(true);
    const slow: Buffer[] = [];
    for await (const bytes of programBytes(argv)) {
      if (slow.length % 40 === 0) await systemClock.sleep(5);
      slow.push(Buffer.from(bytes));
    }
    expect(Buffer.concat(slow).equals(expected)).toBe(true);
  });

  it('come into always the same memory', async () => {
    const memory = new Set<ArrayBufferLike>();
    let bytes = 0;
    for await (const piece of programBytes(['head', '-c', String(64 * MiB), '/dev/zero'])) {
      memory.add(piece.buffer);
      bytes += piece.length;
    }
    expect(bytes).toBe(64 * MiB);
    expect(memory.size).toBeLessThan(20);
  });

  it('are none for a program that writes none', async () => {
    expect(await collected(programBytes(['true']))).toHaveLength(0);
  });

  it('wait for their reader', async () => {
    const stream = programBytes(['sh', '-c', 'head -c 100000000 /dev/zero; exec sleep 61.25']);
    await stream.next();
    // Nothing can be seen to stop but by waiting.
    await systemClock.sleep(300);
    await expect(run(['pgrep', '-f', '^sleep 61.25'])).rejects.toThrow();
    await stream.return();
  });

  it('fail with the program, though its output ended', async () => {
    await expect(collected(programBytes(['sh', '-c', 'head -c 3000000 /dev/zero; kill -9 $$']))).rejects.toMatchObject({
      code: 'program-failed',
      message: 'sh was killed by SIGKILL.',
    });
    await expect(collected(programBytes(['sh', '-c', 'echo whole; echo why >&2; exit 2']))).rejects.toMatchObject({
      code: 'program-failed',
      message: expect.stringContaining('why'),
    });
    await expect(collected(programBytes(['no-such-program-at-all']))).rejects.toMatchObject({
      code: 'program-missing',
    });
  });

  it('end with the signal, and when the reader leaves, and so does the program', async () => {
    const controller = new AbortController();
    const stream = programBytes(['sh', '-c', 'echo one; exec sleep 61.5'], { signal: controller.signal });
    await stream.next();
    controller.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
    expect(await gone('^sleep 61.5')).toBe(true);
    for await (const bytes of programBytes(['sh', '-c', 'echo one; exec sleep 61.75'])) {
      expect(bytes.toString()).toBe('one\n');
      break;
    }
    expect(await gone('^sleep 61.75')).toBe(true);
  });

  it('take no place in a directory, from which a killed process could not remove it', async () => {
    vi.stubEnv('TMPDIR', '/no/such/place');
    try {
      expect((await collected(programBytes(['echo', 'x']))).toString()).toBe('x\n');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are nothing for strangers who connect meanwhile', async () => {
    const strangers = new Worker(strangerThread, { eval: true });
    try {
      await once(strangers, 'message');
      for (let n = 0; n < 300; n += 1) {
        expect((await collected(programBytes(['echo', String(n)]))).toString()).toBe(`${n}\n`);
      }
      strangers.postMessage('enough');
      const [{ connected, got }] = (await once(strangers, 'message')) as [{ connected: number; got: number }];
      expect(connected).toBeGreaterThan(0);
      expect(got).toBe(0);
    } finally {
      await strangers.terminate();
    }
  });
});

/**
 * Connects to each name of ours that is there, says what is not the secret or nothing, counts what it gets, and tells when all
 * of its connections were closed.
 */
const strangerThread = `
  const { readFileSync } = require('node:fs');
  const { connect } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const counts = { connected: 0, got: 0 };
  let open = 0;
  let enough = false;
  parentPort.on('message', () => (enough = true));
  const seen = new Set();
  const look = () => {
    if (enough && open === 0) return void parentPort.postMessage(counts);
    for (const [, name] of readFileSync('/proc/net/unix', 'latin1').matchAll(/ @(snap-to-s3-pipe-[0-9a-f-]{36})/g)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const socket = connect('\\0' + name, () => (counts.connected += 1));
      socket.on('error', () => undefined).on('data', ({ length }) => (counts.got += length));
      open += 1;
      socket.on('close', () => (open -= 1));
      if (seen.size % 2 === 0) socket.write('x'.repeat(32));
    }
    setImmediate(look);
  };
  look();
  parentPort.postMessage('looking');
`;
