import { count, formatBytes, formatDuration, printable, type AppEvent, type Stage } from '../../core/index.js';

const stages: Readonly<Record<Stage, (subject: string) => string>> = {
  claiming: () => 'Claiming the snapshot',
  'creating-volume': (subject) => `Creating a temporary volume of ${subject}`,
  'reusing-volume': (subject) => `Using the temporary volume ${subject} of an earlier run`,
  'attaching-volume': (subject) => `Attaching ${subject}`,
  'waiting-for-device': (subject) => `Waiting for ${subject} to appear in /dev`,
  'reading-disk': (subject) => `Reading what is on ${subject}`,
  archiving: (subject) => `Archiving to ${subject}`,
  'writing-manifest': (subject) => `Writing ${subject}`,
  'cleaning-up': (subject) => `Detaching ${subject}`,
};

/** One thing that a person is told. */
export interface Sentence {
  readonly kind: 'plain' | 'good' | 'notice' | 'warning' | 'error';
  readonly text: string;
}

/** What an event says to a person; undefined for progress, which is drawn and not said. */
export function sentenceOf(event: AppEvent): Sentence | undefined {
  switch (event.kind) {
    case 'snapshots-found':
      return {
        kind: 'plain',
        text:
          event.snapshotIds.length === 0
            ? 'No snapshot is waiting.'
            : `${count(event.snapshotIds.length, 'snapshot')} to migrate.`,
      };
    case 'snapshot-started':
      return { kind: 'plain', text: `${event.snapshotId}: ${event.description}` };
    case 'stage':
      return { kind: 'plain', text: `${event.snapshotId}: ${stages[event.stage](printable(event.subject))}` };
    case 'notice':
    case 'warning':
      return {
        kind: event.kind,
        text: `${event.snapshotId === undefined ? '' : `${event.snapshotId}: `}${printable(event.text)}`,
      };
    case 'progress':
      return undefined;
    case 'object-archived': {
      const { key, rawBytes, storedBytes } = event.object;
      return { kind: 'good', text: `${event.snapshotId}: ${key}: ${sizes(rawBytes, storedBytes)}` };
    }
    case 'snapshot-archived': {
      const raw = event.objects.reduce((sum, object) => sum + object.rawBytes, 0);
      const stored = event.objects.reduce((sum, object) => sum + object.storedBytes, 0);
      const what = `${count(event.objects.length, 'object')}, ${sizes(raw, stored)}, in ${formatDuration(event.elapsedMs)}`;
      return { kind: 'good', text: `${event.snapshotId}: Archived: ${what}` };
    }
    case 'snapshot-failed': {
      const { message, hint } = event.error;
      const next = hint === undefined ? '' : ` ${hint}`;
      return { kind: 'error', text: `${event.snapshotId}: Failed: ${printable(message)}${printable(next)}` };
    }
  }
}

function sizes(rawBytes: number, storedBytes: number): string {
  const share = rawBytes === 0 ? '' : ` (${Math.round((100 * storedBytes) / rawBytes)} %)`;
  return `${formatBytes(rawBytes)} -> ${formatBytes(storedBytes)}${share}`;
}
