import { openPipe } from './pipe.js';
import { start, type StartOptions } from './start.js';

/**
 * The standard output of a program that reads nothing, ending only when the program has ended well: what a killed tar had
 * written until then must not pass for an archive. What is yielded is good until the next is asked for. However the
 * reader leaves, the program is gone when this returns. Throws `program-missing` and `program-failed`.
 */
export async function* programBytes(
  argv: readonly string[],
  options: Omit<StartOptions, 'output'> = {},
): AsyncGenerator<Buffer, void> {
  const pipe = await openPipe();
  const program = start(argv, { ...options, output: pipe.writingEnd });
  try {
    pipe.writingEnd.destroy();
    program.stdin.end();
    yield* pipe.bytes;
    await program.ended;
  } finally {
    // First: what the program itself has started may still be writing, and would keep its standard error open.
    await pipe[Symbol.asyncDispose]();
    program.kill('SIGTERM');
    await program.ended.catch(() => undefined);
  }
}
