// Vitest compiles the modules of a test, but not those of the worker threads and processes that they start. Node is
// started with `--import` of this file (see vitest.config.ts), and all threads with it; in them it sees to that.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const isVitest = isMainThread && (process.argv[1] ?? '').includes('node_modules');
if (!isVitest) register('./typescript-hooks.mjs', import.meta.url);
