import { crc32 as nativeCrc32 } from 'node:zlib';
import { crcParameters, crcTables, type CrcTables } from './crc-tables.js';

/** A CRC over a stream. */
export interface RunningCrc {
  update(bytes: Uint8Array): void;
  /** The value so far. */
  value(): bigint;
}

/** CRC-32, by zlib. */
export function runningCrc32(): RunningCrc {
  let crc = 0;
  return {
    update: (bytes) => {
      crc = nativeCrc32(bytes, crc);
    },
    value: () => BigInt(crc >>> 0),
  };
}

/** CRC-32C; Node has none of its own. */
export function runningCrc32c(): RunningCrc {
  return runningTableCrc(tablesOf('CRC32C'), 32);
}

/** CRC-64/NVME; Node has none of its own. */
export function runningCrc64Nvme(): RunningCrc {
  return runningTableCrc(tablesOf('CRC64NVME'), 64);
}

const known = new Map<string, CrcTables>();
function tablesOf(name: keyof typeof crcParameters): CrcTables {
  const tables = known.get(name) ?? crcTables(crcParameters[name]);
  known.set(name, tables);
  return tables;
}

/**
 * Eight bytes at a time, in two halves of 32 bits, because JavaScript's fast integers have no more. A 32-bit CRC is the
 * same with an upper half that stays zero.
 */
function runningTableCrc({ low: tableLow, high: tableHigh }: CrcTables, bits: 32 | 64): RunningCrc {
  let low = 0xffffffff | 0;
  let high = bits === 64 ? 0xffffffff | 0 : 0;
  const update = (bytes: Uint8Array): void => {
    let a = low;
    let b = high;
    let at = 0;
    const wholeEnd = bytes.length - (bytes.length % 8);
    /* eslint-disable @typescript-eslint/no-non-null-assertion -- every index below is within its array */
    for (; at < wholeEnd; at += 8) {
      const i0 = 0x700 | ((a ^ bytes[at]!) & 0xff);
      const i1 = 0x600 | (((a >>> 8) ^ bytes[at + 1]!) & 0xff);
      const i2 = 0x500 | (((a >>> 16) ^ bytes[at + 2]!) & 0xff);
      const i3 = 0x400 | (((a >>> 24) ^ bytes[at + 3]!) & 0xff);
      const i4 = 0x300 | ((b ^ bytes[at + 4]!) & 0xff);
      const i5 = 0x200 | (((b >>> 8) ^ bytes[at + 5]!) & 0xff);
      const i6 = 0x100 | (((b >>> 16) ^ bytes[at + 6]!) & 0xff);
      const i7 = ((b >>> 24) ^ bytes[at + 7]!) & 0xff;
      a =
        tableLow[i0]! ^
        tableLow[i1]! ^
        tableLow[i2]! ^
        tableLow[i3]! ^
        tableLow[i4]! ^
        tableLow[i5]! ^
        tableLow[i6]! ^
        tableLow[i7]!;
      b =
        tableHigh[i0]! ^
        tableHigh[i1]! ^
        tableHigh[i2]! ^
        tableHigh[i3]! ^
        tableHigh[i4]! ^
        tableHigh[i5]! ^
        tableHigh[i6]! ^
        tableHigh[i7]!;
    }
    for (; at < bytes.length; at += 1) {
      const index = (a ^ bytes[at]!) & 0xff;
      a = ((a >>> 8) | (b << 24)) ^ tableLow[index]!;
      b = (b >>> 8) ^ tableHigh[index]!;
    }
    /* eslint-enable @typescript-eslint/no-non-null-assertion */
    low = a;
    high = b;
  };
  return {
    update,
    value: () => {
      const lowHalf = BigInt(~low >>> 0);
      return bits === 32 ? lowHalf : (BigInt(~high >>> 0) << 32n) | lowHalf;
    },
  };
}
