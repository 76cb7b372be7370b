import { createHash, hash, type Hash } from 'node:crypto';
import { isZero, printable } from '../core/index.js';
import { checkedSparseMap, type SparseMapReader } from './tar-header-sparse.js';
import { tarBlockBytes, unreadableTar } from './tar-header.js';
import { createSparseContent, emptySha256, type ContentSums, type SparseContent } from './tar-scanner-content.js';
import type { TarEntry, TarEntryDraft } from './tar-scanner-entry.js';
import { createMemberHeaders, type TarMember } from './tar-scanner-member.js';

/** Reads a tar piece by piece. */
export interface TarParser {
  readonly totals: { readonly entries: number; readonly tarBytes: number };
  /** Reads a piece, which must not change until that is done. Throws `source-unreadable`, and what `onEntry` throws. */
  feed(chunk: Buffer): Promise<void>;
  /** The position of the first header of a member that is not known yet; undefined where there is none. */
  undecidedFrom(): number | undefined;
  /** Call when there is nothing more. Throws `source-unreadable` for a tar without its end. */
  end(): void;
}

type Phase = 'header' | 'map' | 'meta' | 'data' | 'padding' | 'after-end';

/** What is told of a tar. */
export interface TarParserOptions {
  /** Told each member when its data has passed. */
  readonly onEntry: (entry: TarEntry) => void | Promise<void>;
  /** Told each member when its headers have passed, before its data. What it throws is thrown. */
  readonly onMember?: (member: TarEntryDraft) => void;
  /** Told each header that is of all members after it: its position, and its bytes with everything that belongs to it. */
  readonly onGlobalHeader?: (offset: number, bytes: number) => void;
}

/** See {@link TarParser}. One tar each. */
export function createTarParser({ onEntry, onMember, onGlobalHeader }: TarParserOptions): TarParser {
  const totals = { entries: 0, tarBytes: 0 };
  const headers = createMemberHeaders();
  const partialBlock = Buffer.alloc(tarBlockBytes);
  let partialBytes = 0;
  let phase: Phase = 'header';
  let zeroBlockSeen = false;
  let pending: Promise<void> | undefined;

  /** Of the meta header or the member data being read: what is still to come, and the padding after it. */
  let left = 0;
  let paddingLeft = 0;
  let metaType = '';
  let meta: Buffer | undefined;
  let member: TarMember | undefined;
  let mapReader: SparseMapReader | undefined;
  let mapBlocks = 0;
  let content: Content = { kind: 'none' };

  const startPadding = (): void => {
    left = paddingLeft;
    phase = left === 0 ? 'header' : 'padding';
  };

  const complete = (sums: ContentSums): void | Promise<void> => {
    const done = member;
    if (done === undefined) return;
    const storedBytes = totals.tarBytes + paddingLeft - done.draft.offset;
    member = undefined;
    startPadding();
    totals.entries += 1;
    return onEntry(
      done.draft.type === 'file' ? { ...done.draft, storedBytes, ...sums } : { ...done.draft, storedBytes },
    );
  };

  const wait = (result: void | Promise<void>): void => {
    if (result !== undefined) pending = result;
  };

  const startData = (started: TarMember): void => {
    const mapBytes = started.sparse?.mapInData === true ? mapBlocks * tarBlockBytes : 0;
    left = started.storedDataBytes - mapBytes;
    if (left < 0) throw unreadableTar(damagedMap(started), started.draft.offset);
    paddingLeft = paddingOf(started.storedDataBytes);
    phase = 'data';
    if (started.draft.type !== 'file') {
      content = { kind: 'none' };
    } else if (started.sparse === undefined) {
      content = { kind: 'plain', hash: undefined };
    } else {
      const { map, realBytes } = started.sparse;
      const segments = 'segments' in map ? map.segments : map;
      const facts = { realBytes, storedBytes: left, offset: started.draft.offset };
      content = { kind: 'sparse', sparse: createSparseContent(checkedSparseMap(segments, facts)) };
    }
    if (left === 0) addData(nothing);
  };

  /** Takes data of the member, all of what is `left` of it or less. */
  const addData = (bytes: Buffer): void => {
    left -= bytes.length;
    switch (content.kind) {
      case 'none':
        if (left === 0) wait(complete(noSums));
        return;
      case 'plain':
        if (left > 0) (content.hash ??= createHash('sha256')).update(bytes);
        else wait(complete({ sha256: plainSum(content.hash, bytes), dataSha256: undefined }));
        return;
      case 'sparse':
        pending = addSparse(content.sparse, bytes, left === 0);
    }
  };

  const addSparse = async (sparse: SparseContent, bytes: Buffer, last: boolean): Promise<void> => {
    await sparse.add(bytes);
    if (last) await complete(await sparse.sums());
  };

  const addHeader = (block: Buffer): void => {
    const offset = totals.tarBytes - tarBlockBytes;
    if (block[0] === 0 && block.equals(zeroBlock)) {
      if (headers.offset !== undefined) {
        throw unreadableTar(`The tar stream ends at byte ${offset} with a header that belongs to nothing.`, offset);
      }
      if (zeroBlockSeen) phase = 'after-end';
      zeroBlockSeen = true;
      return;
    }
    if (zeroBlockSeen) throw unreadableTar(`The tar stream has a lone zero block before byte ${offset}.`, offset);
    const meaning = headers.addHeader(block, offset);
    if (meaning.kind === 'meta') {
      metaType = meaning.typeflag;
      left = meaning.bytes;
      paddingLeft = paddingOf(left);
      if (metaType === 'g') onGlobalHeader?.(offset, tarBlockBytes + left + paddingLeft);
      meta = undefined;
      phase = 'meta';
      if (left === 0) addMeta(nothing);
      return;
    }
    member = meaning.member;
    onMember?.(member.draft);
    mapBlocks = 0;
    const map = member.sparse?.map;
    mapReader = map !== undefined && 'segments' in map && !map.complete ? map : undefined;
    if (mapReader === undefined) startData(member);
    else phase = 'map';
  };

  const addMapBlock = (block: Buffer): void => {
    mapReader?.add(block);
    mapBlocks += 1;
    if (member !== undefined && mapReader?.complete === true) startData(member);
  };

  /** Takes bytes of a meta header; those that come whole are not copied. */
  const addMeta = (bytes: Buffer): void => {
    if (meta === undefined && bytes.length === left) {
      headers.addMeta(metaType, bytes);
      startPadding();
      return;
    }
    meta ??= Buffer.allocUnsafeSlow(left);
    bytes.copy(meta, meta.length - left);
    left -= bytes.length;
    if (left > 0) return;
    headers.addMeta(metaType, meta);
    meta = undefined;
    startPadding();
  };

  /** Gives the next whole block, a view where the chunk holds all of it. */
  const takeBlock = (chunk: Buffer, at: number): { block: Buffer | undefined; end: number } => {
    if (partialBytes === 0 && chunk.length - at >= tarBlockBytes) {
      return { block: chunk.subarray(at, at + tarBlockBytes), end: at + tarBlockBytes };
    }
    const end = Math.min(chunk.length, at + tarBlockBytes - partialBytes);
    chunk.copy(partialBlock, partialBytes, at, end);
    partialBytes += end - at;
    if (partialBytes < tarBlockBytes) return { block: undefined, end };
    partialBytes = 0;
    return { block: partialBlock, end };
  };

  /** Reads from `at` to the next place where something else begins, and returns that place. */
  const step = (chunk: Buffer, at: number): number => {
    switch (phase) {
      case 'header':
      case 'map': {
        const { block, end } = takeBlock(chunk, at);
        totals.tarBytes += end - at;
        if (block !== undefined) (phase === 'header' ? addHeader : addMapBlock)(block);
        return end;
      }
      case 'meta':
      case 'data': {
        const end = Math.min(chunk.length, at + left);
        totals.tarBytes += end - at;
        (phase === 'meta' ? addMeta : addData)(chunk.subarray(at, end));
        return end;
      }
      case 'padding': {
        const end = Math.min(chunk.length, at + left);
        totals.tarBytes += end - at;
        left -= end - at;
        if (left === 0) phase = 'header';
        return end;
      }
      case 'after-end':
        if (!isZero(chunk.subarray(at))) {
          throw unreadableTar(`The tar stream goes on after its end, near byte ${totals.tarBytes}.`, totals.tarBytes);
        }
        totals.tarBytes += chunk.length - at;
        return chunk.length;
    }
  };

  return {
    totals,
    feed: async (chunk) => {
      for (let at = 0; at < chunk.length;) {
        at = step(chunk, at);
        if (pending === undefined) continue;
        const awaited = pending;
        pending = undefined;
        await awaited;
      }
    },
    undecidedFrom: () => {
      if (headers.offset !== undefined) return headers.offset;
      return phase === 'header' ? totals.tarBytes - partialBytes : undefined;
    },
    end: () => {
      if (phase === 'after-end') return;
      const place = member === undefined ? '' : `, in ${printable(member.draft.path.toString('utf8'))}`;
      throw unreadableTar(
        `The tar stream breaks off at byte ${totals.tarBytes}${place}: its end mark is missing.`,
        totals.tarBytes,
      );
    },
  };
}

type Content =
  | { readonly kind: 'none' }
  | { readonly kind: 'plain'; hash: Hash | undefined }
  | { readonly kind: 'sparse'; readonly sparse: SparseContent };

const nothing = Buffer.alloc(0);
const zeroBlock = Buffer.alloc(tarBlockBytes);
const noSums: ContentSums = { sha256: undefined, dataSha256: undefined };

function paddingOf(bytes: number): number {
  return (tarBlockBytes - (bytes % tarBlockBytes)) % tarBlockBytes;
}

/** The sum of what was added to `begun` and of `last`; the one-shot form costs half of it for a small file. */
function plainSum(begun: Hash | undefined, last: Buffer): string {
  if (begun !== undefined) return begun.update(last).digest('hex');
  return last.length === 0 ? emptySha256 : hash('sha256', last, 'hex');
}

function damagedMap(member: TarMember): string {
  return `The map of the sparse file at byte ${member.draft.offset} of the tar is longer than its data.`;
}
