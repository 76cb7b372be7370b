import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';

/** Smaller ones are not worth it. */
const smallestBytes = 16 * 1024;

/** Whoever sends something here does not have it any more, and nobody else does either. */
const nowhere = new MessageChannel();
nowhere.port2.close();
nowhere.port1.unref();

/**
 * Gives the memory of received pieces back at once. Node allocates 64 KiB for each, outside of its heap, and would collect
 * garbage all over the heap for every 20 MB of them, which costs more than anything else but MD5. Only pieces straight from
 * a connection are nobody else's; those of any other stream are left to the garbage collector.
 */
export function releaseReceived(pieces: readonly Buffer[], stream: Readable): void {
  if (!(stream instanceof IncomingMessage)) return;
  const whole = pieces.filter(({ length, buffer }) => length >= smallestBytes && length === buffer.byteLength);
  nowhere.port1.postMessage(
    undefined,
    whole.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : [])),
  );
}
