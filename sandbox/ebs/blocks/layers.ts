import { open, type FileHandle } from 'node:fs/promises';
import { marksOf, readWindow, windowBlocks } from './written-file.js';

/** Blocks that were written together: put into one snapshot, or found in the file of one that was made of a volume. */
export interface Layer {
  /** `put`: a client wrote each of them; `volume`: nobody knows when they were written. */
  readonly kind: 'put' | 'volume';
  /** The snapshot in which they appeared first. */
  readonly snapshotId: string;
  /** The file that marks them. */
  readonly path: string;
}

/** A block of a snapshot, and the layer that has it. */
export interface WrittenBlock {
  readonly index: number;
  readonly layer: Layer;
}

/** The blocks of a snapshot from an index on, ascending; a layer hides the blocks of those behind it in the list. */
export async function* writtenBlocks(
  layers: readonly Layer[],
  range: { readonly from: number; readonly end: number },
): AsyncGenerator<WrittenBlock, undefined> {
  const files: { readonly layer: Layer; readonly file: FileHandle }[] = [];
  try {
    for (const layer of layers) files.push({ layer, file: await open(layer.path, 'r') });
    for (let first = range.from; first < range.end; first += windowBlocks) {
      for (const { place, layer } of await windowOf(files, first)) yield { index: first + place, layer };
    }
  } finally {
    for (const { file } of files) await file.close();
  }
  return undefined;
}

async function windowOf(
  files: readonly { readonly layer: Layer; readonly file: FileHandle }[],
  first: number,
): Promise<Iterable<{ readonly place: number; readonly layer: Layer }>> {
  const owners = new Uint16Array(windowBlocks);
  let any = false;
  // From the bottom up, so that the upper ones win.
  for (const [place, { file }] of [...files.entries()].reverse()) {
    for (const mark of marksOf(await readWindow(file, first))) {
      owners[mark] = place + 1;
      any = true;
    }
  }
  return any ? owned(owners, files) : [];
}

function* owned(
  owners: Uint16Array,
  files: readonly { readonly layer: Layer }[],
): Generator<{ readonly place: number; readonly layer: Layer }> {
  for (const [place, owner] of owners.entries()) {
    const layer = files[owner - 1]?.layer;
    if (layer !== undefined) yield { place, layer };
  }
}
