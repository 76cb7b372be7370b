import type { PipelineStage } from './framing.js';
import { createTarParser } from './tar-scanner-parser.js';
import type { TarEntry, TarEntryDraft } from './tar-scanner-entry.js';
import type { TarTotals } from './tar-scanner.js';
import { tarBlockBytes } from './tar-header.js';

/** Which members of a tar are passed on. */
export interface PickMembersOptions {
  /** Asked of each member when its headers have been read; what it throws ends all before any byte of it has passed. */
  readonly pick: (member: TarEntryDraft) => boolean;
  /** Told each member that was picked when its data has passed. */
  readonly onEntry?: (entry: TarEntry) => void | Promise<void>;
}

/** A stage for `pipeline` that passes some members of a tar, as a tar; for one stream only. */
export interface MemberPick extends PipelineStage {
  /** Of the tar that is read. */
  readonly totals: TarTotals;
}

/**
 * Makes a stage that yields a tar of those members that are picked, byte by byte as they were. The headers of a member
 * are held back until it is known (see `largestMetaBytes`); all else passes as it comes, in the buffers that were read.
 * Throws what `scanTar` throws, and what `pick` and `onEntry` throw.
 */
export function pickMembers({ pick, onEntry }: PickMembersOptions): MemberPick {
  const cuts: Cut[] = [];
  let isPicked = false;
  const parser = createTarParser({
    onMember: (member) => {
      isPicked = pick(member);
      if (isPicked) cuts.push({ at: member.offset, isKept: true });
    },
    onGlobalHeader: (offset, bytes) => {
      cuts.push({ at: offset, isKept: true }, { at: offset + bytes, isKept: false });
    },
    onEntry: (entry) => {
      if (!isPicked) return;
      cuts.push({ at: entry.offset + entry.storedBytes, isKept: false });
      return onEntry?.(entry);
    },
  });
  const stage: PipelineStage = async function* (source, { signal } = {}) {
    const cutter = createCutter(cuts);
    for await (const chunk of source) {
      signal?.throwIfAborted();
      await parser.feed(chunk);
      yield* cutter.pass(chunk, parser.undecidedFrom());
    }
    parser.end();
    yield Buffer.alloc(2 * tarBlockBytes);
  };
  return Object.assign(stage, { totals: parser.totals });
}

/** From here on bytes are kept, or not. */
interface Cut {
  readonly at: number;
  readonly isKept: boolean;
}

function createCutter(cuts: Cut[]) {
  /** Headers of a member that is not known yet, from before. */
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isKept = false;
  /** The position of the next piece, held ones included. */
  let position = 0;
  return {
    /** Yields what is kept of what was held and of the chunk, as far as it is decided; holds a copy of the rest. */
    pass: function* (chunk: Buffer, undecidedFrom: number | undefined): Generator<Buffer, void> {
      const chunkStart = position + heldBytes;
      const end = chunkStart + chunk.length;
      const decided = undecidedFrom === undefined ? end : Math.min(end, undecidedFrom);
      const pieces = [...held, chunk];
      held = [];
      heldBytes = 0;
      let at = position;
      for (const piece of pieces) {
        const pieceEnd = at + piece.length;
        let from = at;
        while (from < Math.min(pieceEnd, decided)) {
          while (cuts[0] !== undefined && cuts[0].at <= from) isKept = cuts.shift()?.isKept === true;
          const to = Math.min(pieceEnd, decided, cuts[0]?.at ?? pieceEnd);
          if (isKept) yield piece.subarray(from - at, to - at);
          from = to;
        }
        if (pieceEnd > decided) {
          const undecided = piece.subarray(Math.max(0, decided - at));
          const rest = piece === chunk ? Buffer.from(undecided) : undecided;
          held.push(rest);
          heldBytes += rest.length;
        }
        at = pieceEnd;
      }
      position = Math.min(end, decided);
    },
  };
}
