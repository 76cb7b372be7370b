import { AppError, isAbort, type AppEvent, type EventSink, type SnapshotId } from '../core/index.js';
import { tellFindings, type FindingTeller } from './archive-findings.js';

/** What is read, and who is told. */
export interface ReadTwiceOptions {
  readonly snapshotId: SnapshotId;
  readonly key: string;
  readonly events: EventSink;
  readonly signal: AbortSignal;
}

/** What has come of it. */
export interface ReadOutcome<T> {
  /** Undefined where it is damaged. */
  readonly result: T | undefined;
  /** Findings that were told. */
  readonly count: number;
}

/** Findings that wait for the end of a reading; beyond that they are told at once, and nothing is read again. */
const mostHeld = 10_000;

/**
 * Reads and judges an object, and does so once more where it came damaged: S3 sends ranges without checksums, so that it can
 * be the way, this machine or the memory that changed a bit. Only damage that stands twice is a finding. What `read` finds
 * is told when its bytes are proven, that is when it has ended. Throws what `read` throws and is no damage.
 */
export async function readTwiceIfDamaged<T>(
  read: (findings: FindingTeller) => Promise<T>,
  options: ReadTwiceOptions,
): Promise<ReadOutcome<T>> {
  const { snapshotId, key, events, signal } = options;
  const held = holdEvents(events);
  const first = tellFindings({ snapshotId, key }, held.event);
  const again = tellFindings({ snapshotId, key }, events);
  try {
    const result = await read(first);
    held.tell();
    return { result, count: first.count };
  } catch (error) {
    const damage = damageOf(error, signal);
    if (damage?.code !== 'corrupt-archive' || held.isOver) {
      held.tell();
      if (damage === undefined) throw error;
      first.other('damaged', damage.message);
      return { result: undefined, count: first.count };
    }
    events({ kind: 'retry', action: 's3:GetObject', resource: key, attempt: 1, pauseMs: 0, reason: damage.message });
  }
  try {
    const result = await read(again);
    const text = `${key} came damaged at first, and whole when it was read again: something between S3 and here changes bytes. Check the network and the memory of this machine.`;
    events({ kind: 'warning', snapshotId, text });
    return { result, count: again.count };
  } catch (error) {
    const damage = damageOf(error, signal);
    if (damage === undefined) throw error;
    again.other('damaged', damage.message);
    return { result: undefined, count: again.count };
  }
}

/** Errors that are findings: what is wrong is the archive. */
function damageOf(error: unknown, signal: AbortSignal): AppError | undefined {
  signal.throwIfAborted();
  if (isAbort(error) || !(error instanceof AppError)) return undefined;
  return error.code === 'corrupt-archive' || error.code === 'not-found' ? error : undefined;
}

/** Keeps findings back until they are told; other events pass. */
function holdEvents(events: EventSink) {
  let held: AppEvent[] | undefined = [];
  const tell = (): void => {
    for (const event of held ?? []) events(event);
    held = undefined;
  };
  return {
    /** Too many came. */
    get isOver() {
      return held === undefined;
    },
    event: (event: AppEvent): void => {
      if (event.kind !== 'finding' || held === undefined) events(event);
      else if (held.push(event) >= mostHeld) tell();
    },
    tell,
  };
}
