#!/usr/bin/env node
// CommonJS on purpose: the size of libuv's thread pool is read at its first use, and loading an ES module is one.
import './environment.cjs';
import './memory.cjs';
import type * as Sandbox from '../sandbox/cli/main.js';
import type * as Command from '../src/cli/main.js';

/** Sockets that somebody forgot must not keep a finished command alive. */
const lingerMs = 2_000;

/** Where scripts/bundle.ts puts both commands: each in few files, since loading hundreds takes longer than most of what they do. */
const bundle = '../command';

async function main(argv: readonly string[]): Promise<void> {
  process.exitCode =
    argv[0] === 'sandbox'
      ? await ((await import(`${bundle}/sandbox.js`)) as typeof Sandbox).sandboxMain(argv.slice(1))
      : await ((await import(`${bundle}/main.js`)) as typeof Command).main(argv);
  setTimeout(() => process.exit(), lingerMs).unref();
}

void main(process.argv.slice(2));
