import type { CrcParameters } from './crc-tables.js';

/** A piece of a longer stream: its CRC and its length in bytes. */
export interface CrcPiece {
  readonly crc: bigint;
  readonly bytes: number;
}

/**
 * The CRC of two pieces one after the other, from theirs alone: the first one moved by the length of the second
 * (multiplied by x^(8 × length) modulo the polynomial) plus the second one. As zlib's crc32_combine.
 */
export function combineCrc(first: CrcPiece, second: CrcPiece, parameters: CrcParameters): CrcPiece {
  const shift = powerOfX(8n * BigInt(second.bytes), parameters);
  return { crc: multiply(first.crc, shift, parameters) ^ second.crc, bytes: first.bytes + second.bytes };
}

/** Polynomials are written with the coefficient of x^0 in the highest bit, as reflected CRCs have it. */
function multiply(a: bigint, b: bigint, { bits, polynomial }: CrcParameters): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = BigInt(bits) - 1n; bit >= 0n; bit -= 1n) {
    if (((a >> bit) & 1n) === 1n) product ^= shifted;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}

function powerOfX(exponent: bigint, parameters: CrcParameters): bigint {
  const one = 1n << BigInt(parameters.bits - 1);
  let result = one;
  let square = one >> 1n;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = multiply(result, square, parameters);
    square = multiply(square, square, parameters);
  }
  return result;
}
