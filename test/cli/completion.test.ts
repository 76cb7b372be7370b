import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.js';
import { poll, systemClock } from '../../src/core/index.js';
import { run, runText } from '../../src/process/index.js';

// Real shells: bash and zsh are typed to in a terminal, fish is asked with its own `complete -C`.

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) await writeFile(scriptOf(shell), await scriptFor(shell));
});
afterAll(() => rm(folder, { recursive: true }));

const scriptOf = (shell: string): string => join(folder, `script.${shell}`);

async function scriptFor(shell: string): Promise<string> {
  let text = '';
  const stream = new PassThrough().on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const output = stream as unknown as NodeJS.WriteStream;
  expect(await main(['completion', shell], { stdout: output, stderr: output }, {})).toBe(0);
  return text;
}

let terminals = 0;

/** A shell in a terminal of 200 columns. */
async function terminal(argv: readonly string[], ...commands: readonly string[]) {
  // A server of its own: one that is just ending must not be the next one's.
  terminals += 1;
  const socket = `${basename(folder)}-${terminals}`;
  const tmux = (...words: string[]): Promise<string> =>
    runText(['tmux', '-L', socket, '-f', '/dev/null', ...words], { env: { TERM: 'xterm', HOME: folder } });
  await tmux('new-session', '-d', '-x', '200', '-y', '50', ...argv);
  const screen = (): Promise<string> => tmux('capture-pane', '-p');
  const shows = async (text: string): Promise<boolean> => {
    const seen = await poll(async () => ((await screen()).includes(text) ? true : undefined), {
      clock: systemClock,
      intervalMs: 50,
      timeoutMs: 15_000,
    });
    return seen === true;
  };
  const type = (text: string): Promise<string> => tmux('send-keys', '-l', text);
  for (const command of commands) await type(`${command}\r`);
  await type("echo rea''dy\r");
  if (!(await shows('ready'))) throw new Error(`The shell is not ready:\n${await screen()}`);
  return { type, shows, screen, [Symbol.asyncDispose]: () => tmux('kill-server').then(() => undefined) };
}

/** What is typed before Tab, and what stands there afterwards. */
const completions = [
  ['snap-to-s3 mig', 'snap-to-s3 migrate'],
  ['snap-to-s3 migrate --comp', 'snap-to-s3 migrate --compression'],
  ['snap-to-s3 migrate --compression-', 'snap-to-s3 migrate --compression-level'],
  ['snap-to-s3 migrate --compression z', 'snap-to-s3 migrate --compression zstd'],
  ['snap-to-s3 migrate --compression=z', 'snap-to-s3 migrate --compression=zstd'],
  ['snap-to-s3 migrate --sse aws:', 'snap-to-s3 migrate --sse aws:kms'],
  ['snap-to-s3 migrate --all --storage-class D', 'snap-to-s3 migrate --all --storage-class DEEP_ARCHIVE'],
  ['snap-to-s3 --migrate --keep', 'snap-to-s3 --migrate --keep-temp-volumes'],
  ['snap-to-s3 cleanup --log', 'snap-to-s3 cleanup --log-file'],
  ['snap-to-s3 completion fi', 'snap-to-s3 completion fish'],
] as const;

describe.each([
  ['bash', ['bash', '--norc', '--noprofile'], []],
  ['zsh', ['zsh', '-f'], ['autoload -Uz compinit; compinit -u -D']],
] as const)('%s in a terminal', (shell, argv, before) => {
  it.each(completions)('%s<Tab> -> %s', async (typed, completed) => {
    await using shown = await terminal(argv, ...before, `source ${scriptOf(shell)}`, 'clear');
    await shown.type(`${typed}\t`);
    expect(await shown.shows(completed), await shown.screen()).toBe(true);
  });
});

describe('bash without bash-completion', () => {
  it('knows the command, and completes directories for --mount-point', async () => {
    const script = `source ${scriptOf('bash')}; complete -p snap-to-s3
      COMP_LINE='snap-to-s3 migrate --mount-point ${folder.slice(0, -1)}' COMP_POINT=\${#COMP_LINE}
      COMP_WORDS=($COMP_LINE) COMP_CWORD=3; _snap_to_s3; printf '%s\\n' "\${COMPREPLY[@]}"; type -t _init_completion || true`;
    const [known, ...replies] = (await runText(['bash', '--norc', '--noprofile', '-c', script])).trim().split('\n');
    expect(known).toBe('complete -F _snap_to_s3 snap-to-s3');
    expect(replies).toContain(folder);
    expect(replies).not.toContain('function');
  });
});

describe('fish', () => {
  it.each(completions)('%s<Tab> -> %s', async (typed, completed) => {
    const words = (
      await run(['fish', '--no-config', '-c', `source ${scriptOf('fish')}; complete -C ${JSON.stringify(typed)}`], {
        env: { HOME: folder },
      })
    ).toString('utf8');
    expect(words.split('\n').map((line) => line.split('\t')[0])).toContain(completed.split(' ').at(-1));
  });
});
