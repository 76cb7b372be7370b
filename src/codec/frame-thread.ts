// A thread of `frameThreads`: compresses one frame after the other.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../core/index.js';
import type { FrameOrder, FrameResult, FrameThreadData } from './frame-threads.js';
import { lz4CompressHere } from './lz4.js';
import { zstdCompressor } from './zstd.js';

const { codec, level } = workerData as FrameThreadData;
const compress = codec === 'lz4' ? lz4CompressHere : zstdCompressor(level);

// V8 does not know how much memory of the codecs its few small objects hold, and would wait for many of them.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

async function made({ raw, room }: FrameOrder): Promise<FrameResult> {
  try {
    const frame = await compress(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
    if (frame.length > room.length) return { kind: 'beside', frame };
    room.set(frame);
    return { kind: 'in-room', bytes: frame.length };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

async function answer(order: FrameOrder): Promise<void> {
  parentPort?.postMessage(await made(order));
  collect({ type: 'minor' });
}

parentPort?.on('message', (order: FrameOrder) => void answer(order));
