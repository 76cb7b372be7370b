import { open, rm, type FileHandle } from 'node:fs/promises';
import { dataRanges } from '../../ebs/blocks/data-ranges.js';
import { createWrittenFile, markRanges } from '../../ebs/blocks/written-file.js';
import { blockBytes } from '../../ebs/settings.js';

// Which blocks of a volume are still to be fetched: a file beside the volume's with a byte for each block, 1 or 0.

/** Where the map of a volume's cold blocks is. */
export function coldMapOf(file: string): string {
  return `${file}.cold`;
}

/** Notes every block of a new volume that has data in it as cold: what was never written need not be fetched. */
export async function createColdMap(
  map: string,
  { file, sizeBytes }: { readonly file: string; readonly sizeBytes: number },
): Promise<void> {
  await createWrittenFile(map, Math.ceil(sizeBytes / blockBytes));
  await markRanges(map, dataRanges(file));
}

/** Removes the map of a volume. May be repeated. */
export async function removeColdMap(file: string): Promise<void> {
  await rm(coldMapOf(file), { force: true });
}

/** The blocks of one volume that are still to be fetched. */
export interface ColdBlocks extends AsyncDisposable {
  /** The cold ones among those that a piece of the volume touches, ascending. */
  within(offset: number, bytes: number): readonly number[];
  /** Notes a block as fetched, for all times. */
  warm(block: number): Promise<void>;
}

/** Reads a map and keeps it up to date; one process at a time may do so. */
export async function openColdBlocks(map: string): Promise<ColdBlocks> {
  const file: FileHandle = await open(map, 'r+');
  const marks = await file.readFile();
  return {
    within: (offset, bytes) => {
      const found: number[] = [];
      const end = Math.ceil((offset + bytes) / blockBytes);
      for (let block = Math.floor(offset / blockBytes); block < end; block += 1) {
        if (marks[block] === 1) found.push(block);
      }
      return found;
    },
    warm: async (block) => {
      marks[block] = 0;
      await file.write(marks, block, 1, block);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
