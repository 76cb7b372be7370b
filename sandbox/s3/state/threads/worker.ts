// A thread that computes the digests of bodies and writes them to their files; started by pool.ts.
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { runningDigests, type RunningDigests } from '../digests.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';
import { viewOfSlab } from './slabs.js';

interface BodyUnderWay {
  readonly fd: number;
  readonly digests: RunningDigests;
  /** How many bytes are in the file. */
  position: number;
}

const { memory } = workerData as ThreadData;
const bodies = new Map<number, BodyUnderWay>();

function answer(message: FromThread): void {
  parentPort?.postMessage(message);
}

function write(body: BodyUnderWay, bytes: Uint8Array): void {
  body.digests.update(bytes);
  for (let at = 0; at < bytes.length;) {
    const written = writeSync(body.fd, bytes, at, bytes.length - at, body.position);
    at += written;
    body.position += written;
  }
}

/** After a failure the body is unknown, and what still comes of it is dropped. */
function take(message: ToThread): void {
  const known = bodies.get(message.body);
  switch (message.kind) {
    case 'begin':
      bodies.set(message.body, { fd: message.fd, digests: runningDigests(message.digests), position: 0 });
      break;
    case 'bytes':
      if (known !== undefined) write(known, viewOfSlab(memory, message.slab, message.bytes));
      break;
    case 'end':
      bodies.delete(message.body);
      if (known !== undefined) answer({ kind: 'ended', body: message.body, digests: known.digests.finish() });
      break;
    case 'abandon':
      bodies.delete(message.body);
      break;
  }
}

parentPort?.on('message', (message: ToThread) => {
  try {
    take(message);
  } catch (error) {
    bodies.delete(message.body);
    answer({ kind: 'failed', body: message.body, error });
  }
  if (message.kind === 'bytes') answer({ kind: 'freed', body: message.body, slab: message.slab });
});
