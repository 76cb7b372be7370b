/**
 * A reflected CRC as S3 uses it: initial value and final inversion are all ones.
 */
export interface CrcParameters {
  readonly bits: 32 | 64;
  /** The polynomial, bit-reversed. */
  readonly polynomial: bigint;
}

/** CRC-32 (ISO 3309), CRC-32C (Castagnoli) and CRC-64/NVME (NVM Express, "64b CRC"). */
export const crcParameters = {
  CRC32: { bits: 32, polynomial: 0xedb88320n },
  CRC32C: { bits: 32, polynomial: 0x82f63b78n },
  CRC64NVME: { bits: 64, polynomial: 0x9a6c9329ac4bc9b5n },
} as const satisfies Record<string, CrcParameters>;

/** How many bytes are taken at a time. */
export const crcSlices = 16;

/**
 * The tables of "slicing by 16" (Kounavis and Berry, "Novel table lookup-based algorithms for high-performance CRC
 * generation"), 256 entries each: what a byte contributes that has so many more bytes behind it.
 */
export function crcTables({ polynomial }: CrcParameters): BigUint64Array {
  const entries = new BigUint64Array(crcSlices * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    entries[byte] = crc;
  }
  for (let at = 256; at < entries.length; at += 1) {
    const previous = entries[at - 256] ?? 0n;
    entries[at] = (previous >> 8n) ^ (entries[Number(previous & 0xffn)] ?? 0n);
  }
  return entries;
}
