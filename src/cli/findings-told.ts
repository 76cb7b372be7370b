import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, type AppEvent, type EventSink } from '../core/index.js';
import { usage } from './options/index.js';
import { ndjsonLine } from './render/ndjson.js';

/** How findings are told. */
export interface FindingsTold {
  /** Gets them all, as JSON lines; it is made anew. */
  readonly reportFile: string | undefined;
  /** The output gets them all; else the first of each snapshot. */
  readonly isComplete: boolean;
}

/** Findings of one snapshot that a person is told one by one. */
const mostTold = 100;
/** Readable by the group at most: names of files are in it. */
const mode = 0o640;

/** Passes events on; of findings only as many as anybody wants to read, all of them to the file. Dispose at the end. */
export function tellFindings(
  { reportFile, isComplete }: FindingsTold,
  events: EventSink,
): Disposable & { readonly event: EventSink } {
  const file = reportFile === undefined ? undefined : open(reportFile);
  const counts = new Map<string, number>();
  let isFailed = false;
  const write = (record: object): void => {
    if (file === undefined || isFailed) return;
    try {
      let rest = Buffer.from(ndjsonLine(record), 'utf8');
      while (rest.length > 0) rest = rest.subarray(writeSync(file, rest));
    } catch (error) {
      isFailed = true;
      const text = `The report ${reportFile ?? ''} can no longer be written to: ${messageOf(error)}. It is not complete.`;
      events({ kind: 'warning', text });
    }
  };
  const tellRest = (snapshotId: string): void => {
    const more = (counts.get(snapshotId) ?? 0) - mostTold;
    if (isComplete || more <= 0) return;
    const where =
      reportFile === undefined ? 'with --report <path> all are written to a file' : `all are in ${reportFile}`;
    events({ kind: 'notice', text: `${snapshotId}: ${more.toLocaleString('en-US')} more such things; ${where}.` });
  };
  return {
    event: (event: AppEvent) => {
      if (event.kind === 'finding') {
        const { kind: _, ...finding } = event;
        write(finding);
        const count = (counts.get(event.snapshotId) ?? 0) + 1;
        counts.set(event.snapshotId, count);
        if (!isComplete && count > mostTold) return;
      }
      if (event.kind === 'snapshot-failed') tellRest(event.snapshotId);
      events(event);
    },
    [Symbol.dispose]: () => {
      if (file !== undefined) closeSync(file);
    },
  };
}

function open(path: string): number {
  try {
    return openSync(path, 'w', mode);
  } catch (error) {
    throw usage(
      `The report ${JSON.stringify(path)} cannot be written: ${messageOf(error)}.`,
      'Name another file with --report.',
    );
  }
}
