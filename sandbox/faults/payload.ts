import type { IncomingHttpHeaders } from 'node:http';

/** Where bytes of the payload lie in a piece of a body: from `start` to `end` (exclusive). */
export interface PayloadRange {
  readonly start: number;
  readonly end: number;
}

/** Tells payload from framing, piece by piece in their order. */
export type PayloadFinder = (piece: Buffer) => readonly PayloadRange[];

/** A body in `Content-Encoding: aws-chunked` has framing; all of any other one is payload. */
export function payloadFinder(headers: IncomingHttpHeaders): PayloadFinder {
  return isAwsChunked(headers) ? awsChunkedFinder() : (piece) => [{ start: 0, end: piece.length }];
}

/** The length of the payload as the client tells it; undefined where it does not. */
export function payloadBytes(headers: IncomingHttpHeaders): number | undefined {
  const text = headers[isAwsChunked(headers) ? 'x-amz-decoded-content-length' : 'content-length'];
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined;
}

function isAwsChunked(headers: IncomingHttpHeaders): boolean {
  const sha256 = headers['x-amz-content-sha256'];
  return (
    (typeof sha256 === 'string' && sha256.startsWith('STREAMING-')) ||
    /aws-chunked/.test(headers['content-encoding'] ?? '')
  );
}

/** `<hex size>[;…]\r\n<bytes>\r\n` … `0[…]\r\n` and trailers. What is not of this form is the service's to refuse. */
function awsChunkedFinder(): PayloadFinder {
  let state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  let left = 0;
  let line = '';
  return (piece) => {
    const found: PayloadRange[] = [];
    let at = 0;
    while (at < piece.length && state !== 'trailers') {
      if (state === 'data') {
        const end = Math.min(piece.length, at + left);
        found.push({ start: at, end });
        left -= end - at;
        at = end;
        if (left === 0) state = 'data-end';
        continue;
      }
      const lineEnd = piece.indexOf(0x0a, at);
      line += piece.toString('latin1', at, lineEnd === -1 ? piece.length : lineEnd);
      if (lineEnd === -1) break;
      at = lineEnd + 1;
      if (state === 'data-end') {
        state = 'size';
      } else {
        left = parseInt(line, 16);
        state = left > 0 ? 'data' : 'trailers';
      }
      line = '';
    }
    return found;
  };
}
