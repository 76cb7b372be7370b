import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.js';

/** Runs a command line in this process and gives what it said. */
async function run(...argv: string[]): Promise<{ status: number; stderr: string }> {
  let stderr = '';
  const output = new PassThrough().on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const stream = output as unknown as NodeJS.WriteStream;
  const status = await main(argv, { stdout: stream, stderr: stream });
  return { status, stderr };
}

describe('the command line', () => {
  it.each([
    [['migrate'], '--bucket is missing.', '--bucket backups.example.com'],
    [['--migrate', '--all'], '--bucket is missing.', '--bucket backups.example.com'],
    [
      ['migrat'],
      '"migrat" is not a command of snap-to-s3.',
      'The commands are: migrate, doctor, cleanup, sandbox, help.',
    ],
    [['--all', '--bucket', 'b'], 'The options do not say what is to be done', 'snap-to-s3 migrate'],
    [
      ['migrate', '--snapshots', 'x\u001b[2J', '--bucket', 'b'],
      '"x\\u001b[2J" is not a snapshot id.',
      '17 hexadecimal digits',
    ],
  ])('%j -> a sentence, the next step, and status 2', async (argv, sentence, next) => {
    const { status, stderr } = await run(...argv);
    expect(status).toBe(2);
    expect(stderr).toContain(`snap-to-s3: ${sentence}`);
    expect(stderr).toContain(next);
    expect(stderr).not.toContain('    at ');
  });
});
