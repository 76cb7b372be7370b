#!/usr/bin/env node
// CommonJS on purpose: the size of libuv's thread pool is read at its first use, and loading an ES module is one.
import './environment.cjs';
import './memory.cjs';

/** Sockets that somebody forgot must not keep a finished command alive. */
const lingerMs = 2_000;

async function main(argv: readonly string[]): Promise<void> {
  const run =
    argv[0] === 'sandbox'
      ? (await import('../sandbox/cli/main.js')).sandboxMain(argv.slice(1))
      : (await import('../src/cli/main.js')).main(argv);
  process.exitCode = await run;
  setTimeout(() => process.exit(), lingerMs).unref();
}

void main(process.argv.slice(2));
