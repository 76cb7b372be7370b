// What must be in the environment before the first ES module is loaded.
// eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS: see snap-to-s3.cts
import os = require('node:os');

// Compression, file reads and gzip share these threads; the default of four is too few on larger machines.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, os.availableParallelism() + 4));
// A note to developers, not to users: package.json says which Node versions are tested.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
