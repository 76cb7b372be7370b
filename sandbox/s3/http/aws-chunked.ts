import { S3Error } from '../errors.js';

/** Takes the trailing headers of an aws-chunked body, lower-case names. */
export type TrailerSink = (trailers: ReadonlyMap<string, string>) => void;

/** More than any chunk header or trailer line has. */
const longestLine = 4096;

/** Takes the framing off a body, piece by piece. */
export interface Unpacker {
  /** The bytes of the body in what came next of its framed form; they lie in the same memory. Throws `IncompleteBody`. */
  unpack(framed: Buffer): Buffer[];
  /** To be called at the end of the framed body. Throws `IncompleteBody`. */
  end(): void;
}

/**
 * Unpacks a body in `Content-Encoding: aws-chunked`: `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n` … `0[…]\r\n`, then
 * trailing headers and an empty line (S3 API reference, "Signature calculations … with trailing headers"). Chunk
 * signatures are not verified yet.
 */
export function awsChunkedUnpacker(onTrailers: TrailerSink): Unpacker {
  const trailers = new Map<string, string>();
  let state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  let left = 0;
  let line = '';

  const takeLine = (text: string): void => {
    switch (state) {
      case 'size': {
        const size = /^([0-9a-f]+)(?:;|$)/i.exec(text)?.[1];
        if (size === undefined) throw incomplete('a chunk has no size');
        left = parseInt(size, 16);
        state = left === 0 ? 'trailer' : 'data';
        break;
      }
      case 'data-end':
        if (text !== '') throw incomplete('a chunk is longer than it says');
        state = 'size';
        break;
      case 'trailer': {
        if (text === '') state = 'done';
        const colon = text.indexOf(':');
        if (colon > 0) trailers.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim());
        break;
      }
      case 'data':
      case 'done':
        break;
    }
  };

  return {
    unpack: (framed) => {
      const pieces: Buffer[] = [];
      let at = 0;
      while (at < framed.length && state !== 'done') {
        if (state === 'data') {
          const piece = framed.subarray(at, at + left);
          at += piece.length;
          left -= piece.length;
          pieces.push(piece);
          if (left === 0) state = 'data-end';
          continue;
        }
        const lineEnd = framed.indexOf(0x0a, at);
        const next = lineEnd === -1 ? framed.length : lineEnd + 1;
        line += framed.toString('latin1', at, next);
        at = next;
        if (line.length > longestLine) throw incomplete('a line of it is too long');
        if (lineEnd === -1) continue;
        const text = line.trimEnd();
        line = '';
        takeLine(text);
      }
      return pieces;
    },
    end: () => {
      // Clients that send no trailers may leave out the last empty line.
      if (state !== 'done' && !(state === 'trailer' && line === ''))
        throw incomplete('it ends in the middle of a chunk');
      onTrailers(trailers);
    },
  };
}

function incomplete(why: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked body is damaged: ${why}.`);
}
