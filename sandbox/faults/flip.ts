import type { StrikeOf } from './injected-fault.js';

/** A byte of a body, and the bit of it that becomes another one. */
export interface Place {
  readonly atByte: number;
  readonly bit: number;
}

/** The place that the fault names, or any one in a body of this length. */
export function placeOf(strike: StrikeOf<'flipped-bit'>, bodyBytes: number): Place {
  const { atByte = Math.floor(strike.chance('byte') * bodyBytes) } = strike.fault;
  return { atByte, bit: Math.floor(strike.chance('bit') * 8) };
}

/** A copy with one bit changed; the bytes themselves may be somebody else's. */
export function flipped(bytes: Buffer, { atByte, bit }: Place): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(atByte) ^ (1 << bit), atByte);
  return copy;
}
