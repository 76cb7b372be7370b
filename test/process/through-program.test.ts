import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { run, throughProgram } from '../../src/process/index.js';

const MiB = 1024 * 1024;

async function* pieces(count: number, end: () => void = () => undefined): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n += 1) yield await Promise.resolve(Buffer.alloc(MiB, n));
  end();
}

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
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

describe('what passes through a program', () => {
  it('comes out as the program made it', async () => {
    const through = await collected(throughProgram(['cat'])(pieces(20)));
    expect(through.equals(await collected(pieces(20)))).toBe(true);
    expect(await collected(throughProgram(['cat'])(pieces(0)))).toHaveLength(0);
    expect((await collected(throughProgram(['wc', '-c'])(pieces(3)))).toString()).toMatch(/^\s*3145728\n$/);
  });

  it('is taken from the source no faster than it is read', async () => {
    let taken = 0;
    async function* source(): AsyncGenerator<Buffer> {
      for (const piece of Array.from({ length: 200 }, () => Buffer.alloc(MiB))) {
        taken += 1;
        yield await Promise.resolve(piece);
      }
    }
    const stream = throughProgram(['cat'])(source());
    await stream.next();
    // Nothing can be seen to stop but by waiting; pipes and buffers hold less than this.
    await systemClock.sleep(300);
    expect(taken).toBeLessThan(10);
    await stream.return();
  });

  it('fails with the program, though its output ended', async () => {
    const stream = throughProgram(['sh', '-c', 'head -c 3000000; kill -9 $$'])(pieces(20));
    await expect(collected(stream)).rejects.toMatchObject({
      code: 'program-failed',
      message: 'sh was killed by SIGKILL.',
    });
    const status = throughProgram(['sh', '-c', 'cat; echo "No space left on device" >&2; exit 2'])(pieces(5));
    await expect(collected(status)).rejects.toMatchObject({
      message: 'sh failed with exit status 2. It said: No space left on device',
    });
    const missing = throughProgram(['no-such-program-anywhere'])(pieces(5));
    await expect(collected(missing)).rejects.toMatchObject({ code: 'program-missing' });
  });

  it('fails when the program ends well without having read everything', async () => {
    await expect(collected(throughProgram(['head', '-c', '2000000'])(pieces(20)))).rejects.toMatchObject({
      code: 'program-failed',
      message: 'head ended before it had read all of its input.',
    });
  });

  it('fails at once when the program dies while the source is silent', async () => {
    async function* silent(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(1);
      await new Promise(() => undefined);
    }
    const stream = throughProgram(['sh', '-c', 'head -c 1; exit 3'])(silent());
    await expect(collected(stream)).rejects.toMatchObject({ message: 'sh failed with exit status 3.' });
  });

  it('fails with the source, whose end the program must not take for a good one', async () => {
    const broken = new Error('the disk broke');
    const source = pieces(3, () => {
      throw broken;
    });
    await expect(collected(throughProgram(['cat'])(source))).rejects.toBe(broken);
  });

  it('ends the program when the reader leaves', async () => {
    const word = `reader-leaves-${process.pid}`;
    for await (const bytes of throughProgram(['sh', '-c', `cat; : ${word}`])(pieces(50))) {
      expect(bytes.length).toBeGreaterThan(0);
      break;
    }
    expect(await gone(word)).toBe(true);
  });

  it('ends the program when the signal aborts', async () => {
    const controller = new AbortController();
    const word = `signal-aborts-${process.pid}`;
    const work = pipeline(
      pieces(1000),
      throughProgram(['sh', '-c', `cat; : ${word}`]),
      async (stream: AsyncIterable<Buffer>) => {
        for await (const bytes of stream) if (bytes.length > 0) controller.abort();
      },
      { signal: controller.signal },
    );
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    expect(await gone(word)).toBe(true);
  });
});
