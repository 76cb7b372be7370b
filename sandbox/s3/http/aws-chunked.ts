import { createHash } from 'node:crypto';
import type { ChunkSignatures } from '../../server/service.js';
import { S3Error } from '../errors.js';

/** Takes the trailing headers of an aws-chunked body, lower-case names. */
export type TrailerSink = (trailers: ReadonlyMap<string, string>) => void;

/** More than any chunk header or trailer line has. */
const longestLine = 4096;

/** Takes the framing off a body, piece by piece. */
export interface Unpacker {
  /**
   * The bytes of the body in what came next of its framed form; they lie in the same memory. The bytes of a chunk come out
   * before its signature is known to be good: what was made of them counts only when the end is reached.
   * Throws `IncompleteBody`, `SignatureDoesNotMatch`.
   */
  unpack(framed: Buffer): Buffer[];
  /** To be called at the end of the framed body. Throws `IncompleteBody`, `SignatureDoesNotMatch`. */
  end(): void;
}

/** How a body is unpacked. */
export interface UnpackOptions {
  readonly onTrailers: TrailerSink;
  /** Asked for every chunk where chunks are signed. */
  readonly signatures: ChunkSignatures | undefined;
}

/**
 * Unpacks a body in `Content-Encoding: aws-chunked`: `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n` … `0[…]\r\n`, then
 * trailing headers and an empty line (S3 API reference, "Signature calculations … with trailing headers").
 */
export function awsChunkedUnpacker({ onTrailers, signatures }: UnpackOptions): Unpacker {
  const trailers = new Map<string, string>();
  let state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  let left = 0;
  let line = '';
  let chunk = signedChunk(signatures, '');

  const takeLine = (text: string): void => {
    switch (state) {
      case 'size': {
        const [, size, signature = ''] = /^([0-9a-f]+)(?:;chunk-signature=([0-9a-f]+))?(?:;.*)?$/i.exec(text) ?? [];
        if (size === undefined) throw incomplete('a chunk has no size');
        chunk = signedChunk(signatures, signature);
        left = parseInt(size, 16);
        if (left === 0) chunk?.verify();
        state = left === 0 ? 'trailer' : 'data';
        break;
      }
      case 'data-end':
        if (text !== '') throw incomplete('a chunk is longer than it says');
        chunk?.verify();
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
          chunk?.update(piece);
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
      verifyTrailers(trailers, signatures);
      onTrailers(trailers);
    },
  };
}

interface SignedChunk {
  update(piece: Buffer): void;
  /** Throws `SignatureDoesNotMatch`. */
  verify(): void;
}

function signedChunk(signatures: ChunkSignatures | undefined, signature: string): SignedChunk | undefined {
  if (signatures === undefined) return undefined;
  const hash = createHash('sha256');
  return {
    update: (piece) => void hash.update(piece),
    verify: () => {
      if (!signatures.verifyChunk({ signature, sha256: hash.digest('hex') })) throw wrongSignature();
    },
  };
}

const trailerSignature = 'x-amz-trailer-signature';

/** Trailers are signed where chunks are (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`). */
function verifyTrailers(trailers: ReadonlyMap<string, string>, signatures: ChunkSignatures | undefined): void {
  if (signatures === undefined || trailers.size === 0) return;
  const text = Array.from(trailers, ([name, value]) => (name === trailerSignature ? '' : `${name}:${value}\n`)).join(
    '',
  );
  const signature = trailers.get(trailerSignature) ?? '';
  if (!signatures.verifyTrailer({ signature, text })) throw wrongSignature();
}

function wrongSignature(): S3Error {
  return new S3Error(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  );
}

function incomplete(why: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked body is damaged: ${why}.`);
}
