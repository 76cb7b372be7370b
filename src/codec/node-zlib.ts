import * as zlib from 'node:zlib';

/** zstd as Node has it since 22.15; the types here are Node 20's, which has none. */
export interface NodeZstd {
  compress(raw: Buffer, level: number): Promise<Buffer>;
  /** Rejects when more than `expectedRawBytes` come out. */
  decompress(frame: Buffer, expectedRawBytes: number): Promise<Buffer>;
}

interface ZstdOptions {
  readonly params?: Readonly<Record<number, number>>;
  readonly pledgedSrcSize?: number;
  readonly chunkSize: number;
  readonly maxOutputLength?: number;
}

type ZstdCall = (bytes: Buffer, options: ZstdOptions, done: (error: Error | null, result: Buffer) => void) => void;

interface ZlibWithZstd {
  readonly zstdCompress: ZstdCall;
  readonly zstdDecompress: ZstdCall;
  readonly constants: { readonly ZSTD_c_compressionLevel: number; readonly ZSTD_c_checksumFlag: number };
}

function hasZstd(module: object): module is ZlibWithZstd {
  return 'zstdCompress' in module && 'zstdDecompress' in module;
}

/** Node's zstd, or undefined where this Node has none. */
export const nodeZstd: NodeZstd | undefined = hasZstd(zlib) ? wrap(zlib) : undefined;

/** zlib asks for a second chunk when the first is quite full, and refuses chunks under 64 bytes. */
const spareBytes = 64;

function wrap({ zstdCompress, zstdDecompress, constants }: ZlibWithZstd): NodeZstd {
  return {
    compress: (raw, level) =>
      promised(zstdCompress, raw, {
        params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
        pledgedSrcSize: raw.length,
        // Room for the whole frame: a smaller chunk means a trip to the thread pool for each.
        chunkSize: raw.length + (raw.length >> 8) + 1024,
      }),
    decompress: (frame, expectedRawBytes) =>
      promised(zstdDecompress, frame, {
        chunkSize: expectedRawBytes + spareBytes,
        maxOutputLength: Math.max(expectedRawBytes, 1),
      }),
  };
}

function promised(call: ZstdCall, bytes: Buffer, options: ZstdOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    call(bytes, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}
