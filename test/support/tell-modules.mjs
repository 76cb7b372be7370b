// `node --import` of this file appends the address of each ES module that is loaded to the file that SNAP_TO_S3_TELL_MODULES names.
import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  appendFileSync(process.env.SNAP_TO_S3_TELL_MODULES ?? '', `${url}\n`);
  return nextLoad(url, context);
}

// Hooks are in a thread of their own, for which this file is loaded once more.
if (isMainThread) register(import.meta.url);
