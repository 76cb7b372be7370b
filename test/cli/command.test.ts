import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.js';

/** Runs a command line in this process and gives what it said. */
async function run(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof texts): NodeJS.WriteStream => {
    const output = new PassThrough().on('data', (chunk: Buffer) => {
      texts[name] += chunk.toString('utf8');
    });
    return output as unknown as NodeJS.WriteStream;
  };
  const status = await main(argv, { stdout: stream('stdout'), stderr: stream('stderr') }, { HOME: '/nonexistent' });
  return { status, ...texts };
}
const help = 'Run snap-to-s3 migrate --help to see all options.';

describe('the command line', () => {
  it.each([
    [['migrate'], '--bucket is missing.', '--bucket backups.example.com'],
    [['--migrate', '--all'], '--bucket is missing.', '--bucket backups.example.com'],
    [['cleanup'], '--bucket is missing.', '--bucket backups.example.com'],
    [
      ['migrat'],
      '"migrat" is not a command of snap-to-s3.',
      'Did you mean migrate? The commands are: migrate, validate, restore, list, inspect, ls, find, diff, analyze, estimate, prices, doctor, cleanup, completion, sandbox, help.',
    ],
    [['--all', '--bucket', 'bucket'], 'The options do not say what is to be done', 'snap-to-s3 migrate'],
    [
      ['migrate', '--snapshots', 'x\u001b[2J', '--bucket', 'bucket'],
      '"x\\u001b[2J" is not a snapshot id.',
      '17 hexadecimal digits',
    ],
    [
      ['migrate', '--compresion', 'zstd'],
      '"--compresion" is not an option of snap-to-s3 migrate.',
      `Did you mean --compression? ${help}`,
    ],
    [
      ['migrate', '--comp=zstd'],
      '"--comp=zstd" is not an option of snap-to-s3 migrate.',
      'Did you mean --compression?',
    ],
    [['migrate', '-x'], '"-x" is not an option of snap-to-s3 migrate.', help],
    [['cleanup', '--dd'], '"--dd" is not an option of snap-to-s3 cleanup.', 'Run snap-to-s3 cleanup --help'],
    [['--dd', 'cleanup'], '--dd is not an option of snap-to-s3 cleanup.', 'Run snap-to-s3 cleanup --help'],
    [['migrate', '--all', '--bucket'], '--bucket needs a value.', 'For example: --bucket <name>'],
    [['migrate', '--compression'], '--compression needs a value.', 'For example: --compression lz4'],
    [
      ['migrate', '--bucket', '--all'],
      '--bucket needs a value, but "--all" follows it.',
      'One that begins with a dash is written --bucket=-…',
    ],
    [['migrate', '--compression-level', '-1'], '--compression-level needs a value, but "-1" follows it.', 'level=-…'],
    [
      ['migrate', '--all', '--bucket', 'bucket', '--compression-level=-1'],
      '--compression-level "-1" is not a whole number from 1 to 9.',
      '--compression-level 1',
    ],
    [['migrate', '--bucket='], '--bucket is empty.', 'Give a value, or leave --bucket out.'],
    [['migrate', '--bucket', ''], '--bucket is empty.', 'Give a value, or leave --bucket out.'],
    [['migrate', '--snapshots', '--bucket', 'b'], '--snapshots needs a value, but "--bucket" follows it.', ''],
    [['migrate', '--tag', 'a', '--tag=b'], '--tag is given twice.', 'give it once'],
    [['--tag', 'a', 'migrate', '--tag', 'b'], '--tag is given twice.', 'give it once'],
    [['migrate', '--dd=1'], '--dd takes no value, but was given "1".', 'Write --dd alone'],
    [['migrate', '--all', 'more'], '"more": snap-to-s3 migrate takes options only, and this is none.', help],
    [['migrate', '--', '--all'], '"--all": snap-to-s3 migrate takes options only, and this is none.', help],
    [['completion'], 'No shell is named.', 'bash, zsh, fish'],
    [['completion', 'tcsh'], 'There is no completion for the shell "tcsh".', 'bash, zsh, fish'],
  ])('%j -> a sentence, the next step, and status 2', async (argv, sentence, next) => {
    const { status, stderr, stdout } = await run(...argv);
    expect(stderr).toContain(`snap-to-s3: ${sentence}`);
    expect(stderr).toContain(next);
    expect(stderr).not.toContain('    at ');
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it.each([[['--help']], [['migrate', '--help']], [['help', 'migrate']]])(
    '%j tells everything that one needs to know, in lines that fit',
    async (argv) => {
      const { status, stdout, stderr } = await run(...argv);
      expect(status).toBe(0);
      expect(stderr).toBe('');
      for (const text of [
        '--compression <name>',
        'default: lz4',
        '--storage-class <class>',
        'DEEP_ARCHIVE',
        'SNAP_TO_S3_COMPRESSION_LEVEL=3',
        '/etc/snap-to-s3.json',
        'Which snapshots (one of):',
      ]) {
        expect(stdout).toContain(text);
      }
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    },
  );

  it('without anything shows the help on standard error, and that is no success', async () => {
    const { status, stdout, stderr } = await run();
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Examples:');
  });

  it('tells its version', async () => {
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
