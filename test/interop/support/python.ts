import { join } from 'node:path';
import type { InteropSandbox } from './interop-sandbox.js';

const folder = join(import.meta.dirname, '../python');

/**
 * Runs a script of `test/interop/python` with the system's Python and its boto3, and returns what it answers. The script is
 * called with the endpoint and the words.
 */
export function python(sandbox: InteropSandbox, script: string, ...words: readonly string[]): Promise<unknown> {
  return sandbox.json(['/usr/bin/python3', join(folder, script), sandbox.url, ...words]);
}
