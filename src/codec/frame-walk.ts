import type { FrameCodec } from './frame-codec.js';
import { lz4Walk } from './lz4-walk.js';
import type { Walk, WalkFindings, WalkStart, WalkWish } from './walk.js';
import { zstdWalk } from './zstd-walk.js';
import { corruptFrame } from './corrupt-frame.js';

/** What was found out about a frame when its end was reached. */
export interface WalkedFrame {
  /** `skippable`: bytes that every program passes over, such as a seek table. */
  readonly kind: 'data' | 'skippable';
  readonly compressedBytes: number;
  /** No more than this comes out of it. */
  readonly mostRawBytes: number;
  /** False: nothing in the frame tells whether its content is whole. */
  readonly hasChecksum: boolean;
}

/** One look of a {@link FrameWalker}. */
export interface WalkStep {
  /** So many of the bytes, from the first on, belong to the frame that is open. */
  readonly taken: number;
  /** What it was, where its end is among them. */
  readonly ended: WalkedFrame | undefined;
}

/**
 * Finds the ends of frames in bytes that pass, without decompressing anything and holding only headers. Magic numbers,
 * versions and block sizes are checked on the way.
 */
export interface FrameWalker {
  /** Goes on in the open frame, or begins the next one. Throws `corrupt-archive` for what is no frame. */
  take(bytes: Buffer): WalkStep;
  /** Bytes of the open frame so far; 0 between two frames, where alone a stream may end. */
  readonly openBytes: number;
  /** What the open frame is, as far as it was seen. */
  readonly openKind: WalkedFrame['kind'];
  /** What comes at most out of the open frame as far as it was seen. */
  readonly mostRawBytes: number;
}

const walks: Readonly<Record<FrameCodec, WalkStart>> = { lz4: lz4Walk, zstd: zstdWalk };

/** No walk reads more at once. */
const scratchBytes = 8;

interface OpenFacts extends WalkFindings {
  kind: WalkedFrame['kind'];
}

interface OpenFrame {
  readonly facts: OpenFacts;
  readonly walk: Walk;
  /** Undefined at the end of the frame. */
  wish: WalkWish | undefined;
  /** So many bytes of the wish have come. */
  done: number;
}

/** See {@link FrameWalker}. */
export function frameWalker(codec: FrameCodec): FrameWalker {
  const scratch = Buffer.alloc(scratchBytes);
  let open: OpenFrame | undefined;
  let openBytes = 0;
  const begin = (): OpenFrame => {
    const facts: OpenFacts = { kind: 'data', mostRawBytes: 0, hasChecksum: false };
    const walk = wholeFrame(codec, facts);
    return { facts, walk, wish: wishOf(walk.next()), done: 0 };
  };
  const take = (bytes: Buffer): WalkStep => {
    const frame = (open ??= begin());
    let at = 0;
    while (frame.wish !== undefined) {
      const { wish } = frame;
      const here = Math.min(wish.bytes - frame.done, bytes.length - at);
      if (wish.kind === 'read') bytes.copy(scratch, frame.done, at, at + here);
      frame.done += here;
      at += here;
      if (frame.done < wish.bytes) {
        openBytes += at;
        return { taken: at, ended: undefined };
      }
      frame.wish = wishOf(frame.walk.next(scratch));
      frame.done = 0;
    }
    const ended = { ...frame.facts, compressedBytes: openBytes + at };
    open = undefined;
    openBytes = 0;
    return { taken: at, ended };
  };
  return {
    take,
    get openBytes() {
      return openBytes;
    },
    get openKind() {
      return open?.facts.kind ?? 'data';
    },
    get mostRawBytes() {
      return open?.facts.mostRawBytes ?? 0;
    },
  };
}

function wishOf(result: IteratorResult<WalkWish, void>): WalkWish | undefined {
  return result.done === true ? undefined : result.value;
}

/** 0x184D2A50 to 0x184D2A5F, without the last digit. Both formats have the same. */
const skippableMagic = 0x184d2a5;

function* wholeFrame(codec: FrameCodec, facts: OpenFacts): Walk {
  const magic = (yield { kind: 'read', bytes: 4 }).readUInt32LE(0);
  if (magic >>> 4 === skippableMagic) {
    facts.kind = 'skippable';
    yield { kind: 'skip', bytes: (yield { kind: 'read', bytes: 4 }).readUInt32LE(0) };
    return;
  }
  const walk = walks[codec](magic, facts);
  if (walk === undefined) throw corruptFrame(codec, 'it does not begin as one');
  yield* walk;
}
