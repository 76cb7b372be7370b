#!/usr/bin/env node
import { availableParallelism } from 'node:os';

// Compression and file reads share libuv's threads; four are too few on larger machines. Read at their first use.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 2));

const argv = process.argv.slice(2);
if (argv[0] === 'sandbox') {
  const { sandboxMain } = await import('../sandbox/cli/main.js');
  process.exitCode = await sandboxMain(argv.slice(1));
} else {
  const { main } = await import('../src/cli/main.js');
  process.exitCode = await main(argv);
}
