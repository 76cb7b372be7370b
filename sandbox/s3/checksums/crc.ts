import { crc32 as nativeCrc32 } from 'node:zlib';
import { crcParameters } from './crc-tables.js';
import { newCrcEngine, type CrcEngine } from './crc-wasm.js';

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
  return runningTableCrc('CRC32C');
}

/** CRC-64/NVME; Node has none of its own. */
export function runningCrc64Nvme(): RunningCrc {
  return runningTableCrc('CRC64NVME');
}

const engines = new Map<string, CrcEngine>();

function runningTableCrc(name: 'CRC32C' | 'CRC64NVME'): RunningCrc {
  const engine = engines.get(name) ?? newCrcEngine(crcParameters[name]);
  engines.set(name, engine);
  const ones = (1n << BigInt(crcParameters[name].bits)) - 1n;
  let crc = ones;
  return {
    update: (bytes) => {
      crc = engine(crc, bytes);
    },
    value: () => crc ^ ones,
  };
}
