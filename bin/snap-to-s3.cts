#!/usr/bin/env node
// CommonJS on purpose: the size of libuv's thread pool is read at its first use, and loading an ES module is one.
import './environment.cjs';
import './memory.cjs';
import type * as Sandbox from '../sandbox/cli/main.js';
import type * as Command from '../src/cli/main.js';

/** Sockets that somebody forgot must not keep a finished command alive. */
const lingerMs = 2_000;

/** `scripts/bundle.ts` puts both commands there: each in few files, since loading hundreds takes longer than most of what they do. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- one of them, and not before it is known which
const load = (command: 'main' | 'sandbox'): unknown => require(`../command/${command}.js`);

async function main(argv: readonly string[]): Promise<void> {
  process.exitCode =
    argv[0] === 'sandbox'
      ? await (load('sandbox') as typeof Sandbox).sandboxMain(argv.slice(1))
      : await (load('main') as typeof Command).main(argv);
  setTimeout(() => process.exit(), lingerMs).unref();
}

void main(process.argv.slice(2));
