import type { AppError } from '../core/index.js';
import { isProgramFailure, throughProgram, type ProgramStage } from '../process/index.js';
import { corruptFrame } from './corrupt-frame.js';
import type { FrameCodec } from './frame-codec.js';

/**
 * Makes a stage that unpacks one frame of any size through the program of the codec, in flat memory. Checksums are
 * verified. Throws what the source throws, `corrupt-archive`, `program-missing`.
 */
export function unpackLarge(codec: FrameCodec): ProgramStage {
  const argv = [codec, '-d', '-c', '-q'];
  const through = throughProgram(argv);
  return async function* (source, options) {
    try {
      yield* through(source, options);
    } catch (error) {
      throw isRefusal(error, argv) ? corruptFrame(codec, saidBy(error), error) : error;
    }
  };
}

/** Whether the program itself ended with a failure, and was not killed. */
function isRefusal(error: unknown, argv: readonly string[]): error is AppError {
  if (!isProgramFailure(error) || error.details.argv !== argv) return false;
  const { failure } = error.details;
  return failure === undefined || (typeof failure === 'object' && failure !== null && 'status' in failure);
}

function saidBy({ details, message }: AppError): string {
  const said = typeof details.stderr === 'string' ? details.stderr.trim() : '';
  return said === '' ? message : said.replace(/\s+/g, ' ').replace(/\.$/, '');
}
