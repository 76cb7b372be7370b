import type { DigestOptions, Digests } from '../digests.js';

/** What a thread is started with. */
export interface ThreadData {
  /** Of all slabs; see slabs.ts. */
  readonly memory: SharedArrayBuffer;
}

/** To a thread; `body` is a number that the pool gives out. Messages of one body are in the order of its bytes. */
export type ToThread =
  /** The file is open, and stays so until nothing of the body is under way. */
  | { readonly kind: 'begin'; readonly body: number; readonly fd: number; readonly digests: DigestOptions }
  | { readonly kind: 'bytes'; readonly body: number; readonly slab: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly body: number }
  | { readonly kind: 'abandon'; readonly body: number };

/** From a thread. */
export type FromThread =
  /** The bytes are in the file, or not wanted any more: the slab is free. */
  | { readonly kind: 'freed'; readonly body: number; readonly slab: number }
  | { readonly kind: 'failed'; readonly body: number; readonly error: unknown }
  | { readonly kind: 'ended'; readonly body: number; readonly digests: Digests };
