import { start, type StartOptions } from './start.js';

/** How a program is run to its end. */
export interface RunOptions extends StartOptions {
  /** Written to standard input. */
  readonly input?: string | Uint8Array;
  /** Bound of what is kept of standard output; more is a `program-failed`. Default 64 MiB. */
  readonly maxOutputBytes?: number;
}

/**
 * Runs a program and returns its standard output. For small outputs; streams go through `start`.
 * Throws `program-missing` or `program-failed` with what the program said.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const program = start(argv, options);
  program.stdin.end(options.input);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const limit = options.maxOutputBytes ?? 64 * 1024 * 1024;
  try {
    for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit) program.kill('SIGKILL');
      else chunks.push(chunk);
    }
  } catch (error) {
    // The pipe broke with the program; its own end explains more.
    await program.ended;
    throw error;
  }
  await program.ended;
  return Buffer.concat(chunks);
}

/** {@link run}, with the output as text. */
export async function runText(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await run(argv, options)).toString('utf8');
}
