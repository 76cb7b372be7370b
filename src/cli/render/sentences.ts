import {
  count,
  formatBytes,
  formatDuration,
  printable,
  type AppEvent,
  type ArchiveFinding,
  type RunSummary,
  type Stage,
} from '../../core/index.js';

const stages: Readonly<Record<Stage, (subject: string) => string>> = {
  claiming: () => 'Claiming the snapshot',
  'creating-volume': (subject) => `Creating a temporary volume of ${subject}`,
  'creating-new-volume': (subject) => `Creating a volume of ${subject}`,
  'making-filesystems': (subject) => `Making partitions and filesystems on ${subject}`,
  'reusing-volume': (subject) => `Using the temporary volume ${subject} of an earlier run`,
  'attaching-volume': (subject) => `Attaching ${subject}`,
  'waiting-for-device': (subject) => `Waiting for ${subject} to appear in /dev`,
  'reading-disk': (subject) => `Reading what is on ${subject}`,
  archiving: (subject) => `Archiving to ${subject}`,
  validating: (subject) => `Validating ${subject}`,
  restoring: (subject) => `Restoring ${subject}`,
  'writing-manifest': (subject) => `Writing ${subject}`,
  'cleaning-up': (subject) => `Detaching ${subject}`,
};

/** One thing that a person is told. */
export interface Sentence {
  readonly kind: 'plain' | 'good' | 'notice' | 'warning' | 'error';
  readonly text: string;
}

/**
 * What an event says to a person; undefined for progress, which is drawn and not said, and for the
 * failure of the whole run, which `main` says.
 */
export function sentenceOf(event: AppEvent): Sentence | undefined {
  switch (event.kind) {
    case 'snapshots-found':
      return {
        kind: 'plain',
        text:
          event.snapshotIds.length === 0
            ? 'No snapshot is waiting.'
            : `${count(event.snapshotIds.length, 'snapshot')} to ${event.task}.`,
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
    case 'retry': {
      const { action, resource, attempt, reason, pauseMs } = event;
      const again = `attempt ${attempt} failed (${printable(reason)}); again in ${formatDuration(pauseMs)}`;
      return { kind: 'plain', text: `${action} on ${printable(resource)}: ${again}` };
    }
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
    case 'finding':
      return { kind: 'error', text: `${event.snapshotId}: ${findingSentence(event)}` };
    case 'object-validated': {
      const { key, compared, findings } = event.object;
      const verdict = findings === 0 ? 'the same' : count(findings, 'difference');
      return {
        kind: findings === 0 ? 'good' : 'error',
        text: `${event.snapshotId}: ${key}: ${verdict}. Compared: ${compared}`,
      };
    }
    case 'snapshot-validated': {
      const raw = event.objects.reduce((sum, object) => sum + object.rawBytes, 0);
      const what = `${count(event.objects.length, 'object')}, ${formatBytes(raw)}, in ${formatDuration(event.elapsedMs)}`;
      return { kind: 'good', text: `${event.snapshotId}: Validated: ${what}` };
    }
    case 'object-restored': {
      const { key, to, writtenBytes, fetchedBytes, entries } = event.object;
      const what = [
        ...(entries === undefined ? [] : [count(entries, 'entry', 'entries')]),
        formatBytes(writtenBytes),
      ].join(', ');
      const from = `${formatBytes(fetchedBytes)} read from S3`;
      return { kind: 'good', text: `${event.snapshotId}: ${key}: ${what}, ${from}, now in ${printable(to)}` };
    }
    case 'snapshot-restored': {
      const bytes = event.objects.reduce((sum, object) => sum + object.writtenBytes, 0);
      const what = `${formatBytes(bytes)} to ${printable(event.to)}, in ${formatDuration(event.elapsedMs)}`;
      return { kind: 'good', text: `${event.snapshotId}: Restored: ${what}` };
    }
    case 'snapshot-asked-for': {
      const { objects, waiting } = event;
      const what = `${waiting} of ${count(objects, 'object')} cannot be read yet. "inspect" shows when they have come`;
      return {
        kind: 'good',
        text: `${event.snapshotId}: ${waiting === 0 ? 'Everything that a restore reads can be read now' : what}.`,
      };
    }
    case 'snapshot-left':
      return { kind: 'notice', text: `${event.snapshotId}: ${printable(event.why)} It is left alone.` };
    case 'snapshot-failed': {
      const { message, hint } = event.error;
      const next = hint === undefined ? '' : ` ${hint}`;
      return { kind: 'error', text: `${event.snapshotId}: Failed: ${printable(message)}${printable(next)}` };
    }
    case 'program-started':
      return { kind: 'plain', text: `Running ${printable(event.argv.map(quoted).join(' '))}` };
    case 'slow-call':
      return { kind: 'plain', text: `${event.action} took ${formatDuration(event.elapsedMs)}` };
    case 'run-finished':
      return { kind: event.failed.length > 0 ? 'error' : 'good', text: summary(event) };
    case 'run-failed':
      return undefined;
  }
}

function sizes(rawBytes: number, storedBytes: number): string {
  const share = rawBytes === 0 ? '' : ` (${Math.round((100 * storedBytes) / rawBytes)} %)`;
  return `${formatBytes(rawBytes)} -> ${formatBytes(storedBytes)}${share}`;
}

/**
 * `3 snapshots archived, 2 validated, 12.3 GiB -> 4.50 GiB (37 %), 2 min 3 s; 1 failed:`, and a line for each that was
 * validated and for each that failed.
 */
function summary({
  archived,
  restored,
  askedFor,
  validated,
  failed,
  left,
  rawBytes,
  storedBytes,
  elapsedMs,
}: RunSummary): string {
  const parts = [
    ...(archived === 0 ? [] : [`${count(archived, 'snapshot')} archived`]),
    ...(restored === 0 ? [] : [`${count(restored, 'snapshot')} restored`]),
    ...(askedFor === 0 ? [] : [`${count(askedFor, 'snapshot')} asked for`]),
    ...(validated.length === 0 ? [] : [`${count(validated.length, 'snapshot')} validated`]),
  ];
  const done = parts.length === 0 ? 'No snapshot finished' : parts.join(', ');
  const bytes =
    archived + restored + validated.length === 0
      ? []
      : [restored > 0 ? formatBytes(rawBytes) : sizes(rawBytes, storedBytes)];
  const others = left === 0 ? '' : `; ${left} left to other runs`;
  const first = `${[done, ...bytes, formatDuration(elapsedMs)].join(', ')}${others}`;
  if (failed.length === 0) return `${first}.`;
  const proven = validated.map((snapshotId) => `  ${snapshotId}: validated`);
  const lines = failed.map(({ snapshotId, message }) => `  ${snapshotId}: failed: ${printable(message)}`);
  return [`${first}; ${failed.length} failed:`, ...proven, ...lines].join('\n');
}

/** A word as a shell would need it, so that the line can be run again. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function findingSentence({ key, path, text }: ArchiveFinding): string {
  return path === undefined ? `${key}: ${printable(text)}` : `${printable(path)}: ${printable(text)}`;
}
