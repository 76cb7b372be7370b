import { systemClock } from '../../core/index.js';
import { ndjsonRenderer } from './ndjson.js';
import { plainRenderer } from './plain.js';
import type { Output, Renderer } from './renderer.js';

export type { Output, Renderer } from './renderer.js';

/** NDJSON where asked for, a live display on a terminal, plain lines elsewhere. */
export async function chooseRenderer(output: Output, { json }: { readonly json: boolean }): Promise<Renderer> {
  if (json) return ndjsonRenderer(output, systemClock);
  const isTerminal = output.stdout.isTTY && process.env.TERM !== 'dumb';
  if (!isTerminal) return plainRenderer(output, systemClock);
  const colour = process.env.NO_COLOR === undefined || process.env.NO_COLOR === '';
  // What draws it takes as long to load as most of what a command needs.
  const { terminalRenderer } = await import('./terminal.js');
  return terminalRenderer(output, { clock: systemClock, colour });
}
