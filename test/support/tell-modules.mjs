// `node --import` of this file appends the address of each module that is loaded, of either kind, to the file that
// SNAP_TO_S3_TELL_MODULES names.
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** @param {string} url */
function tell(url) {
  appendFileSync(process.env.SNAP_TO_S3_TELL_MODULES ?? '', `${url}\n`);
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  tell(url);
  return nextLoad(url, context);
}

// Hooks are in a thread of their own, for which this file is loaded once more.
if (isMainThread) {
  register(import.meta.url);
  process.once('exit', () => {
    for (const path of Object.keys(createRequire(import.meta.url).cache)) tell(pathToFileURL(path).href);
  });
}
