// Vitest compiles the modules of a test, but not those of the worker threads that they start. Node is started with
// `--import` of this file (see vitest.config.ts), and all threads with it; in them it sees to that.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) register('./typescript-hooks.mjs', import.meta.url);
