import { describe, expect, it } from 'vitest';
import { awsChunkedUnpacker } from '../../../sandbox/s3/http/aws-chunked.js';

/** Unpacks a body that comes in pieces of that length. */
function unpacked(framed: string, pieceBytes: number) {
  let trailers: ReadonlyMap<string, string> | undefined;
  const onTrailers = (found: ReadonlyMap<string, string>): void => {
    trailers = found;
  };
  const unpacker = awsChunkedUnpacker({ onTrailers, signatures: undefined });
  const bytes = Buffer.from(framed);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pieces.push(...unpacker.unpack(bytes.subarray(at, at + pieceBytes)));
  }
  unpacker.end();
  return { text: Buffer.concat(pieces).toString(), trailers: Object.fromEntries(trailers ?? []) };
}

describe('an aws-chunked body', () => {
  const framed =
    '5;chunk-signature=ab\r\nhello\r\n7\r\n, \r\n\r\nw\r\n4\r\norld\r\n0\r\nX-Amz-Checksum-CRC32: abc\r\n\r\n';

  it('is the same however it is cut', () => {
    for (let pieceBytes = 1; pieceBytes <= framed.length; pieceBytes += 1) {
      const expected = { text: 'hello, \r\n\r\nworld', trailers: { 'x-amz-checksum-crc32': 'abc' } };
      expect(unpacked(framed, pieceBytes)).toEqual(expected);
    }
  });

  it.each([
    ['no size', 'x\r\nhello\r\n'],
    ['more bytes than it says', '2\r\nhello\r\n0\r\n\r\n'],
    ['an end in the middle of a chunk', '5\r\nhel'],
    ['an end before the last chunk', '5\r\nhello\r\n'],
    ['a line that never ends', `${'5;'.repeat(3000)}\r\n`],
  ])('with %s -> IncompleteBody', (_what, damaged) => {
    for (const pieceBytes of [1, 3, 10_000]) {
      expect(() => unpacked(damaged, pieceBytes)).toThrow(expect.objectContaining({ code: 'IncompleteBody' }));
    }
  });
});
