import type { ServerResponse } from 'node:http';

/**
 * Sends pieces as the body of an answer whose head is written, and ends it. The next piece is only asked for when the one
 * before is with the operating system, so its memory may be used again. Throws when the client goes away.
 */
export async function sendBody(pieces: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  let isClosed = response.closed;
  let onClose = (): void => undefined;
  response.once('close', () => {
    isClosed = true;
    onClose();
  });
  for await (const piece of pieces) {
    await new Promise<void>((resolve, reject) => {
      onClose = () => reject(wentAway());
      if (isClosed) onClose();
      else response.write(piece, (error) => (error instanceof Error ? reject(error) : resolve()));
    });
  }
  response.end();
}

/** As a stream says it that was closed before its end. */
function wentAway(): NodeJS.ErrnoException {
  return Object.assign(new Error('The client went away.'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}
