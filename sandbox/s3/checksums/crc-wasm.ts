// CRCs of up to 64 bits, by table, in WebAssembly: it has fast integers of 64 bits, which JavaScript has not, and is 2.5
// times as fast. There is so little of it that the binary is put together here, instruction by instruction.
import { crcSlices, crcTables, type CrcParameters } from './crc-tables.js';

/** The part of the JavaScript interface of WebAssembly that is used; Node's types leave it out. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** Continues a CRC (before its final inversion) with more bytes. */
export type CrcEngine = (crc: bigint, bytes: Uint8Array) => bigint;

/** Where the bytes begin; the tables lie before. */
const windowAt = 64 * 1024;
/** So many bytes are taken at a time. */
const windowBytes = 256 * 1024;
const pageBytes = 64 * 1024;

/** Compiles it, with the tables of a polynomial. */
export function newCrcEngine(parameters: CrcParameters): CrcEngine {
  const memory = new WebAssembly.Memory({ initial: (windowAt + windowBytes) / pageBytes });
  new BigUint64Array(memory.buffer).set(crcTables(parameters));
  const module = new WebAssembly.Module(crcModule());
  const { crc: run } = new WebAssembly.Instance(module, { '': { memory } }).exports as {
    readonly crc: (crc: bigint, from: number, to: number) => bigint;
  };
  const window = new Uint8Array(memory.buffer, windowAt);
  return (crc, bytes) => {
    let value = crc;
    for (let at = 0; at < bytes.length; at += windowBytes) {
      const some = bytes.subarray(at, at + windowBytes);
      window.set(some);
      value = run(value, windowAt, windowAt + some.length);
    }
    return BigInt.asUintN(64, value);
  };
}

type Code = readonly number[];

/** Unsigned LEB128, as all numbers of the binary format. */
function number(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)];
}
/** Constants are signed: a number whose highest bit of seven is set needs another byte. */
function constant(value: number): Code {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...constant(value >>> 7)];
}
const list = (items: readonly Code[]): Code => [...number(items.length), ...items.flat()];
const sized = (code: Code): Code => [...number(code.length), ...code];
const section = (id: number, content: Code): Code => [id, ...sized(content)];

/** The instructions that are used (WebAssembly core specification, "Binary format", "Instructions"). */
const block = [0x02, 0x40];
const loop = [0x03, 0x40];
const end = [0x0b];
const repeat = [0x0c, 0];
const leaveIf = [0x0d, 1];
const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const load64 = (offset: number): Code => [0x29, 3, ...number(offset)];
const load8 = [0x31, 0, 0];
const int32 = (value: number): Code => [0x41, ...constant(value)];
const int64 = (value: number): Code => [0x42, ...constant(value)];
const add32 = [0x6a];
const isAbove32 = [0x4b];
const shiftLeft32 = [0x74];
const and64 = [0x83];
const xor64 = [0x85];
const shiftRight64 = [0x88];
const to32 = [0xa7];

/** Parameters and variables of the function. */
const [crc, from, to, first, second] = [0, 1, 2, 3, 4];

/** The entry of a table for one byte of a variable. */
function entry(table: number, variable: number, byte: number): Code {
  return [
    ...get(variable),
    ...int64(8 * byte),
    ...shiftRight64,
    ...int64(0xff),
    ...and64,
    ...to32,
    ...int32(3),
    ...shiftLeft32,
    ...load64(table * 256 * 8),
  ];
}

/** Runs while `step` more bytes are there. */
function whileThere(step: number, body: Code): Code {
  const advanced = [...get(from), ...int32(step), ...add32];
  return [
    ...[...block, ...loop, ...advanced, ...get(to), ...isAbove32, ...leaveIf],
    ...[...body, ...advanced, ...set(from), ...repeat, ...end, ...end],
  ];
}

/** A module with `crc(crc: i64, from: i32, to: i32): i64` over the memory that it is given. */
function crcModule(): Uint8Array<ArrayBuffer> {
  const sixteen = [
    ...[...get(from), ...load64(0), ...get(crc), ...xor64, ...set(first)],
    ...[...get(from), ...load64(8), ...set(second)],
    ...Array.from({ length: crcSlices }, (_, at) => [
      ...entry(crcSlices - 1 - at, at < 8 ? first : second, at % 8),
      ...(at === 0 ? [] : xor64),
    ]).flat(),
    ...set(crc),
  ];
  const one = [
    ...[...get(crc), ...get(from), ...load8, ...xor64, ...set(first)],
    ...[...entry(0, first, 0), ...get(crc), ...int64(8), ...shiftRight64, ...xor64, ...set(crc)],
  ];
  const i32 = 0x7f;
  const i64 = 0x7e;
  const body = [...list([[2, i64]]), ...whileThere(crcSlices, sixteen), ...whileThere(1, one), ...get(crc), ...end];
  const name = [...sized([...Buffer.from('crc')])];
  return Uint8Array.from([
    ...[...Buffer.from('\0asm'), 1, 0, 0, 0],
    ...section(1, list([[0x60, ...list([[i64], [i32], [i32]]), ...list([[i64]])]])),
    ...section(2, list([[0, ...sized([...Buffer.from('memory')]), 2, 0, 1]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...name, 0, 0]])),
    ...section(10, list([sized(body)])),
  ]);
}
