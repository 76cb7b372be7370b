import type { RunningProgram } from './start.js';

/**
 * The output of a program, ending only when the program has ended well: what a killed tar had written until then must
 * not pass for an archive. However the reader leaves, the program is gone when this returns.
 */
export async function* untilEnded(program: RunningProgram): AsyncGenerator<Buffer> {
  try {
    yield* program.stdout as AsyncIterable<Buffer>;
    await program.ended;
  } finally {
    program.stdin.destroy();
    program.stdout.destroy();
    program.kill('SIGTERM');
    await program.ended.catch(() => undefined);
  }
}
