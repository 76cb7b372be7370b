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
    let [one, other] = [(await ones.next()).value, (await others.next()).value];
    while (one !== undefined || other !== undefined) {
      const index = Math.min(one?.index ?? Infinity, other?.index ?? Infinity);
      const [first, second] = [one?.index === index ? one : undefined, other?.index === index ? other : undefined];
      yield { index, first: first?.layer, second: second?.layer };
      if (first !== undefined) one = (await ones.next()).value;
      if (second !== undefined) other = (await others.next()).value;
    }
  } finally {
    await ones.return(undefined);
    await others.return(undefined);
  }
}
