import type { ArchiveFinding, EventSink, SnapshotId } from '../core/index.js';
import type { DifferingRange, ImageComparison, IndexFinding, TreeFinding } from '../verify/index.js';
import { isUtf8 } from 'node:buffer';

/** Tells what is wrong with one object, and counts. */
export interface FindingTeller {
  readonly count: number;
  tree(finding: TreeFinding): void;
  index(finding: IndexFinding): void;
  image(comparison: ImageComparison): void;
  /** What is no matter of a single path. */
  other(problem: ArchiveFinding['problem'], text: string): void;
}

/** See {@link FindingTeller}. */
export function tellFindings(
  { snapshotId, key }: { readonly snapshotId: SnapshotId; readonly key: string },
  events: EventSink,
): FindingTeller {
  let count = 0;
  const tell = (finding: Omit<ArchiveFinding, 'snapshotId' | 'key'>): void => {
    count += 1;
    events({ kind: 'finding', snapshotId, key, ...finding });
  };
  return {
    get count() {
      return count;
    },
    tree: (finding) => {
      const { kind: problem } = finding;
      if (finding.kind !== 'different') {
        tell({ problem, ...named(finding.path), text: `${finding.type} ${treeTexts[finding.kind]}` });
        return;
      }
      const text = finding.differences.map(({ what, archive, source }) => `${what} is ${archive}, not ${source}`);
      tell({ problem, ...named(finding.path), text: text.join('; '), differences: finding.differences });
    },
    index: (finding) => {
      if (finding.kind !== 'different') {
        tell({ problem: 'index', ...named(finding.path), text: indexTexts[finding.kind] });
        return;
      }
      const text = finding.differences.map(
        ({ what, archive, source }) => `${what} is ${archive}, but the index says ${source}`,
      );
      tell({ problem: 'index', ...named(finding.path), text: text.join('; '), differences: finding.differences });
    },
    image: ({ archive, source, firstDifference, differingBlocks }) => {
      if (firstDifference === undefined) return;
      const sizes =
        archive.bytes === source.bytes ? '' : ` The archive has ${archive.bytes} bytes, not ${source.bytes}.`;
      tell({
        problem: 'different',
        text:
          `the image differs from the volume, first in ${rangeText(firstDifference)}; in all in ` +
          `${differingBlocks.toLocaleString('en-US')} blocks of 4 KiB.${sizes} SHA-256 is ${archive.sha256}, not ${source.sha256}`,
        differences: [{ what: 'content', archive: `SHA-256 ${archive.sha256}`, source: `SHA-256 ${source.sha256}` }],
      });
    },
    other: (problem, text) => tell({ problem, text }),
  };
}

const treeTexts = {
  missing: 'is on the volume, and not in the archive',
  extra: 'is in the archive, and not on the volume',
  duplicate: 'is in the archive more than once',
} as const;

const indexTexts = {
  'not-in-index': 'is in the archive, and not in its index',
  'not-in-tar': 'is in the index, and not in the archive',
} as const;

function named(path: Buffer): { readonly path: string; readonly pathBase64?: string } {
  const text = path.toString('utf8');
  return isUtf8(path) ? { path: text } : { path: text, pathBase64: path.toString('base64') };
}

function rangeText({ offset, bytes }: DifferingRange): string {
  return `${bytes.toLocaleString('en-US')} bytes from byte ${offset.toLocaleString('en-US')} on`;
}
