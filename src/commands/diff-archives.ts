import type { ScannedLine, TarEntry } from '../archive/index.js';
import { AppError, type SnapshotId } from '../core/index.js';
import { comparePaths, comparePathTexts, differencesOf, type Difference } from '../verify/index.js';
import { archiveIndexes, type ArchiveIndex, type LookDependencies } from './archive-indexes.js';

/** A path at which two archives are not the same. */
export type ArchiveDifference =
  | { readonly kind: 'added' | 'removed'; readonly path: string; readonly entry: TarEntry }
  | {
      readonly kind: 'changed';
      readonly path: string;
      readonly entry: TarEntry;
      /** `archive` is what it was, `source` what it has become. */
      readonly differences: readonly Difference[];
    };

/**
 * What has become of the files between two archives, in the order of the paths; from their indexes alone, in flat memory.
 * Partitions are compared with those of the same number. Throws what `archiveIndexes` throws.
 */
export async function* diffArchives(
  before: SnapshotId,
  after: SnapshotId,
  dependencies: LookDependencies,
): AsyncGenerator<ArchiveDifference, void> {
  const [old, recent] = await Promise.all([archiveIndexes(before, dependencies), archiveIndexes(after, dependencies)]);
  const number = ({ object }: ArchiveIndex): string => object.name.partition ?? '';
  const numbers = [...new Set([...old.indexes, ...recent.indexes].map(number))].sort((a, b) => Number(a) - Number(b));
  const prefixed = numbers.length > 1;
  for (const one of numbers) {
    const sides = [old, recent].map(({ indexes }) => indexes.find((index) => number(index) === one));
    const prefix = prefixed ? `${one === '' ? 'disk' : one}/` : '';
    yield* diffIndexes(sides[0], sides[1], prefix);
  }
}

async function* diffIndexes(
  before: ArchiveIndex | undefined,
  after: ArchiveIndex | undefined,
  prefix: string,
): AsyncGenerator<ArchiveDifference, void> {
  const [old, recent] = [cursor(before), cursor(after)];
  try {
    for (;;) {
      // Without a promise for each line: of a million there are only some thousand batches.
      if (old.current() === undefined) await old.refill();
      if (recent.current() === undefined) await recent.refill();
      const [one, other] = [old.current(), recent.current()];
      if (one === undefined && other === undefined) return;
      // Of most lines this is all that is done.
      if (one !== undefined && other !== undefined && isSameLine(one, other)) {
        old.take();
        recent.take();
        continue;
      }
      const order =
        one === undefined
          ? 1
          : other === undefined
            ? -1
            : compareLines(one, other, () => [old.entry(one).path, recent.entry(other).path]);
      if (order < 0 && one !== undefined) {
        const entry = old.entry(one);
        yield { kind: 'removed', path: prefix + one.path, entry };
        old.take();
      } else if (order > 0 && other !== undefined) {
        const entry = recent.entry(other);
        yield { kind: 'added', path: prefix + other.path, entry };
        recent.take();
      } else {
        if (one !== undefined && other !== undefined) {
          const [was, is] = [old.entry(one), recent.entry(other)];
          const differences = differencesOf(was, is, { exact: true });
          if (differences.length > 0) yield { kind: 'changed', path: prefix + other.path, entry: is, differences };
        }
        old.take();
        recent.take();
      }
    }
  } finally {
    await Promise.all([old.leave(), recent.leave()]);
  }
}

/** The lines of an index, one at a time. */
function cursor(index: ArchiveIndex | undefined) {
  const batches = index?.scan();
  let lines: readonly ScannedLine[] = [];
  let at = 0;
  return {
    /** Undefined where there is none, or none of this batch any more. */
    current: (): ScannedLine | undefined => lines[at],
    take: (): void => {
      at += 1;
    },
    entry: (line: ScannedLine): TarEntry => {
      if (index === undefined) throw new AppError('internal', 'There is no index that this line could be of.');
      return index.entry(line);
    },
    refill: async (): Promise<void> => {
      const next = await batches?.next();
      lines = next === undefined || next.done === true ? [] : next.value;
      at = 0;
    },
    leave: async (): Promise<void> => {
      await batches?.return();
    },
  };
}

/** In the order of the archive: that of the bytes of the path, part by part; where they are not text, `bytes` has them. */
function compareLines(one: ScannedLine, other: ScannedLine, bytes: () => readonly [Buffer, Buffer]): number {
  const areText = !one.path.includes('\ufffd') && !other.path.includes('\ufffd');
  return areText ? comparePathTexts(one.path, other.path) : comparePaths(...bytes());
}

/**
 * Where a line tells the same but for its place in the tar, nothing has changed. Pieces are compared as wholes: `startsWith`
 * and `lastIndexOf` go character by character, which takes a second for a million lines.
 */
function isSameLine({ json: one }: ScannedLine, { json: other }: ScannedLine): boolean {
  if (one === other) return true;
  const end = placeIn(one);
  return end > 0 && placeIn(other) === end && one.slice(0, end) === other.slice(0, end);
}

/** Where the fields begin that tell the place in the tar, the last of a line; -1 where that is not seen at once. */
function placeIn(json: string): number {
  return json.indexOf(',"offset":', Math.max(0, json.length - longestPlace));
}

/** `,"offset":9007199254740991,"stored":9007199254740991}` is shorter. */
const longestPlace = 80;
