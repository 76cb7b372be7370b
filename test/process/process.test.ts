import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { poll, systemClock } from '../../src/core/index.js';
import { run, runText, start } from '../../src/process/index.js';

function isRunning(pid = 0): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe('programs', () => {
  it('give their output and take their input', async () => {
    expect(await runText(['cat'], { input: 'hello' })).toBe('hello');
  });

  it('that are not there -> program-missing with a hint', async () => {
    await expect(run(['no-such-program-anywhere'])).rejects.toMatchObject({
      code: 'program-missing',
      message: 'The program no-such-program-anywhere is not installed.',
      hint: expect.stringContaining('setup.sh') as string,
    });
  });

  it('that exit with a status -> program-failed with what they said', async () => {
    await expect(run(['sh', '-c', 'echo oh dear >&2; exit 7'])).rejects.toMatchObject({
      code: 'program-failed',
      message: 'sh failed with exit status 7. It said: oh dear',
      details: { failure: { kind: 'exited', status: 7 } },
    });
  });

  it('that are killed after writing everything still failed', async () => {
    const program = start(['sh', '-c', 'echo complete; kill -KILL $$']);
    let output = '';
    for await (const chunk of program.stdout) output += String(chunk);
    expect(output).toBe('complete\n');
    await expect(program.ended).rejects.toMatchObject({
      code: 'program-failed',
      message: 'sh was killed by SIGKILL.',
      details: { failure: { kind: 'killed', signal: 'SIGKILL' } },
    });
  });

  it('that are gone before anybody reads -> their output is still there, all of it', async () => {
    const program = start(['sh', '-c', 'printf complete']);
    await poll(() => Promise.resolve(isRunning(program.pid) ? undefined : true), {
      clock: systemClock,
      intervalMs: 10,
      timeoutMs: 5_000,
    });
    await systemClock.sleep(50);
    let output = '';
    for await (const chunk of program.stdout) output += String(chunk);
    expect(output).toBe('complete');
    await program.ended;
  });

  it('see their arguments as they are: there is no shell', async () => {
    const argument = '$(touch /tmp/x) ; "a" \'b\' *';
    expect(await runText(['printf', '%s', argument])).toBe(argument);
  });

  it('end when the signal aborts, even those that ignore SIGTERM', async () => {
    const controller = new AbortController();
    const program = start(['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done'], {
      signal: controller.signal,
    });
    await new Promise((resolve) => program.stdout.once('data', resolve));
    controller.abort();
    await expect(program.ended).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('tell each line of standard error as it comes, the last one without line end too', async () => {
    const lines: string[] = [];
    await run(['sh', '-c', 'printf "one\\ntwo\\nthree" >&2'], { onStderrLine: (line) => lines.push(line) });
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  it('that hang are killed when their time is over, and named with what to do', async () => {
    const pidFile = join(await mkdtemp(join(tmpdir(), 'snap-to-s3-hang-')), 'pid');
    const argv = ['sh', '-c', `echo $$ > ${pidFile}; exec sleep 600`];
    await expect(run(argv, { limitMs: 300 })).rejects.toMatchObject({
      code: 'timed-out',
      message: 'sh did not end within 300 ms, and was killed.',
      hint: expect.stringContaining(`dmesg), and try it by hand: sh -c`) as string,
    });
    expect(isRunning(Number(await readFile(pidFile, 'utf8')))).toBe(false);
    await rm(dirname(pidFile), { recursive: true });
  });

  it('that hang are killed after five minutes where nothing else is said, also those that hold the output open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // The grandchild keeps the pipe when the program is killed.
    const hanging = run(['sh', '-c', 'sleep 3 & wait']);
    const outcome = hanging.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5 * 60_000 - 1);
    expect(await Promise.race([outcome, Promise.resolve('still running')])).toBe('still running');
    await vi.advanceTimersByTimeAsync(1 + 5_000);
    expect(await outcome).toMatchObject({
      code: 'timed-out',
      message: 'sh did not end within 5 min 0 s, and was killed.',
    });
  });

  it('whose output passes the bound are ended', async () => {
    await expect(run(['cat', '/dev/zero'], { maxOutputBytes: 1024 })).rejects.toMatchObject({ code: 'program-failed' });
  });
});
