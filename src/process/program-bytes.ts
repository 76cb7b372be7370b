import { start, type StartOptions } from './start.js';
import { untilEnded } from './until-ended.js';

/**
 * The standard output of a program that reads nothing, ending only when the program has ended well. However the reader
 * leaves, the program is gone when this returns. Throws `program-missing` and `program-failed`.
 */
export async function* programBytes(argv: readonly string[], options: StartOptions = {}): AsyncGenerator<Buffer, void> {
  const program = start(argv, options);
  program.stdin.end();
  yield* untilEnded(program);
}
