#!/usr/bin/env node
// CommonJS on purpose: the size of libuv's thread pool is read at its first use, and loading an ES module is one.
// eslint-disable-next-line @typescript-eslint/no-require-imports -- the one CommonJS file
import os = require('node:os');

// Compression, file reads and gzip share these threads; the default of four is too few on larger machines.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, os.availableParallelism() + 4));
// The lz4 addon allocates with mimalloc, which keeps freed buffers for reuse; giving them back at once takes a fifth of
// the speed at worst and halves the memory. Read when the addon is loaded.
process.env.MIMALLOC_PURGE_DELAY ??= '0';
// A note to developers, not to users: package.json says which Node versions are tested.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

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
