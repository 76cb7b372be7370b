import { pipeline } from 'node:stream/promises';
import { AppError } from '../core/index.js';
import { start, type StartOptions } from './start.js';
import { untilEnded } from './until-ended.js';

/** A stage for `pipeline` that sends what passes through a program. */
export type ProgramStage = (
  source: AsyncIterable<Buffer>,
  options?: { readonly signal?: AbortSignal | undefined },
) => AsyncGenerator<Buffer, void>;

/**
 * Makes a stage of a program that reads standard input and writes standard output, as fast as the slower of both sides.
 * It ends only when the source has ended, the program has taken up everything, and the program has ended well. Throws what
 * the source throws, `program-missing` and `program-failed`; by then, and when the reader leaves, the program is gone.
 */
export function throughProgram(argv: readonly string[], options: Omit<StartOptions, 'signal'> = {}): ProgramStage {
  return async function* (source, { signal } = {}) {
    const program = start(argv, { ...options, signal });
    let sourceFailure: { readonly error: unknown } | undefined;
    async function* watched(): AsyncGenerator<Buffer> {
      try {
        // What was written to a stream is kept there for a while; what was yielded need not last so long.
        for await (const bytes of source) yield Buffer.from(bytes);
      } catch (error) {
        // The end of its input would make the program finish its work; there is nothing to finish.
        sourceFailure = { error };
        program.kill('SIGKILL');
        throw error;
      }
    }
    // Not awaited: where the program is gone, nobody waits for a source that is still thinking. How the program ends
    // and whether its input was finished tells everything.
    pipeline(watched(), program.stdin).catch(() => undefined);
    try {
      yield* untilEnded(program);
    } catch (error) {
      throw sourceFailure === undefined ? error : sourceFailure.error;
    }
    if (sourceFailure !== undefined) throw sourceFailure.error;
    if (!program.stdin.writableFinished) {
      throw new AppError('program-failed', `${argv[0] ?? ''} ended before it had read all of its input.`, {
        details: { argv },
      });
    }
  };
}
