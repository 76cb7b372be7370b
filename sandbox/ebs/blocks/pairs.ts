import { writtenBlocks, type Layer } from './layers.js';

/** A block that at least one of two snapshots has. */
export interface PairedBlock {
  readonly index: number;
  /** The layer of the first snapshot that has it. */
  readonly first: Layer | undefined;
  readonly second: Layer | undefined;
}

/** Goes through the blocks of two snapshots together, ascending. */
export async function* pairedBlocks(
  first: readonly Layer[],
  second: readonly Layer[],
  range: { readonly from: number; readonly end: number },
): AsyncGenerator<PairedBlock> {
  const [ones, others] = [writtenBlocks(first, range), writtenBlocks(second, range)];
  try {
    let [one, other] = [await ones.next(), await others.next()];
    while (one.done !== true || other.done !== true) {
      const oneIndex = one.done === true ? Infinity : one.value.index;
      const otherIndex = other.done === true ? Infinity : other.value.index;
      const index = Math.min(oneIndex, otherIndex);
      const takesOne = one.done !== true && oneIndex === index;
      const takesOther = other.done !== true && otherIndex === index;
      yield {
        index,
        first: takesOne ? one.value.layer : undefined,
        second: takesOther ? other.value.layer : undefined,
      };
      if (takesOne) one = await ones.next();
      if (takesOther) other = await others.next();
    }
  } finally {
    await ones.return(undefined);
    await others.return(undefined);
  }
}
