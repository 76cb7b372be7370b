// A thread of a pool: compresses or decompresses one frame after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, collectYoung } from '../core/index.js';
import type { FrameOrder, FrameResult, FrameThreadData } from './frame-thread-pool.js';
import { lz4CompressHere, lz4UnpackHere } from './lz4.js';
import { zstdCompressor, zstdUnpack } from './zstd.js';

type Work = (input: Buffer, roomBytes: number) => Buffer | Promise<Buffer>;

function workOf(data: FrameThreadData): Work {
  switch (data.kind) {
    case 'compress':
      return data.codec === 'lz4' ? lz4CompressHere : zstdCompressor(data.level);
    case 'decompress':
      return data.codec === 'lz4' ? lz4UnpackHere : zstdUnpack;
  }
}

const work = workOf(workerData as FrameThreadData);

async function made({ input, room }: FrameOrder): Promise<FrameResult> {
  try {
    const output = await work(Buffer.from(input.buffer, input.byteOffset, input.byteLength), room.length);
    if (output.length > room.length) return { kind: 'beside', output };
    room.set(output);
    return { kind: 'in-room', bytes: output.length };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

async function answer(order: FrameOrder): Promise<void> {
  parentPort?.postMessage(await made(order));
  // What the codec gave is a whole frame.
  collectYoung();
}

parentPort?.on('message', (order: FrameOrder) => void answer(order));
