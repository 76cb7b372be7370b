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

/** Tables for eight bytes at a time: low and high halves, 8 × 256 entries each. */
export interface CrcTables {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** Computes the tables of "slicing by 8". */
export function crcTables({ polynomial }: CrcParameters): CrcTables {
  const entries: bigint[] = [];
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    entries.push(crc);
  }
  for (let slice = 1; slice < 8; slice += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const previous = entries[(slice - 1) * 256 + byte] ?? 0n;
      entries.push((previous >> 8n) ^ (entries[Number(previous & 0xffn)] ?? 0n));
    }
  }
  return {
    low: Uint32Array.from(entries, (entry) => Number(entry & 0xffffffffn)),
    high: Uint32Array.from(entries, (entry) => Number(entry >> 32n)),
  };
}
