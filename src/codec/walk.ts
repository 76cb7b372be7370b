/** What a walk wants next: some bytes to look at, or to pass over some. */
export type WalkWish =
  { readonly kind: 'read'; readonly bytes: number } | { readonly kind: 'skip'; readonly bytes: number };

/** What a walk finds out about its frame. */
export interface WalkFindings {
  mostRawBytes: number;
  hasChecksum: boolean;
}

/** Walks through one frame from behind its magic number to its end. Is given the bytes that it wished to read. */
export type Walk = Generator<WalkWish, void, Buffer>;

/** Begins a walk, where `magic` is that of a frame of the codec; undefined where it is not. */
export type WalkStart = (magic: number, findings: WalkFindings) => Walk | undefined;
