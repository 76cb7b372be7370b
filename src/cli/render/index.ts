import { systemClock } from '../../core/index.js';
import { ndjsonRenderer } from './ndjson.js';
import { plainRenderer } from './plain.js';
import type { Output, Renderer } from './renderer.js';
import { terminalRenderer } from './terminal.js';

export type { Output, Renderer } from './renderer.js';

/** NDJSON where asked for, a live display on a terminal, plain lines elsewhere. */
export function chooseRenderer(output: Output, { json }: { readonly json: boolean }): Renderer {
  if (json) return ndjsonRenderer(output, systemClock);
  const isTerminal = output.stdout.isTTY && process.env.TERM !== 'dumb';
  if (!isTerminal) return plainRenderer(output, systemClock);
  const colour = process.env.NO_COLOR === undefined || process.env.NO_COLOR === '';
  return terminalRenderer(output, { clock: systemClock, colour });
}
