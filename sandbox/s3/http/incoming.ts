import type { Readable } from 'node:stream';

/** What is waited for before it is handed on: many small pieces cost more than few large ones. */
const batchBytes = 192 * 1024;
/** Where receiving pauses until what has come was taken. */
const mostBytes = 2 * batchBytes;

/**
 * The bytes of a stream in lists of pieces, as they come, with at most about 450 KiB read ahead. The stream stays open and
 * paused when the reader gives up. Throws the stream's error, and another one when it ends before its end.
 */
export async function* inBatches(stream: Readable): AsyncGenerator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = 0;
  let end: { readonly error?: Error } | undefined = stream.readableEnded ? {} : undefined;
  let wake = (): void => undefined;
  const onData = (piece: Buffer): void => {
    batch.push(piece);
    bytes += piece.length;
    if (bytes >= mostBytes) stream.pause();
    if (bytes >= batchBytes) wake();
  };
  const endsWith = (how: { readonly error?: Error }): void => {
    end ??= how;
    wake();
  };
  const onEnd = (): void => endsWith({});
  const onError = (error: Error): void => endsWith({ error });
  const onClose = (): void => endsWith({ error: new Error('The stream was closed before its end.') });
  if (stream.destroyed && !stream.readableEnded) onClose();
  stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  stream.resume();
  try {
    for (;;) {
      while (bytes < batchBytes && end === undefined) await new Promise<void>((resolve) => (wake = resolve));
      if (end?.error !== undefined) throw end.error;
      if (batch.length === 0) return;
      const complete = batch;
      batch = [];
      bytes = 0;
      if (stream.isPaused()) stream.resume();
      yield complete;
    }
  } finally {
    stream.pause();
    // The error listener stays: a stream that fails when nobody reads it any more must not end the process.
    stream.off('data', onData).off('end', onEnd).off('close', onClose);
  }
}
