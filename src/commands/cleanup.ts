import { messageOf, type SnapshotId } from '../core/index.js';
import { isAbandoned, listLeases, requireBucket } from '../store/index.js';
import { leasedSnapshot, leasePrefix, parseJournal, type JournalEntry } from './journal.js';
import { recoverAbandoned, type RecoverDependencies } from './recover.js';
import { isDeadHere } from './snapshot-lease.js';

/** What is found in a bucket of what runs have left, or have under way. */
export type CleanupFinding =
  /** A run is at work. */
  | { readonly kind: 'running'; readonly snapshotId: SnapshotId; readonly owner: string; readonly renewedAt: string }
  /** A run has died, or could not remove everything. */
  | {
      readonly kind: 'abandoned';
      readonly snapshotId: SnapshotId;
      readonly owner: string;
      readonly left: readonly string[];
    }
  /** No lease, or one of a newer version. */
  | { readonly kind: 'unreadable'; readonly key: string; readonly why: string }
  /** A volume with our tag that no journal names: kept on purpose, or left by a tool without journals. */
  | { readonly kind: 'unclaimed-volume'; readonly volumeId: string; readonly state: string };

/** What a cleanup has come to. */
export interface CleanupResult {
  readonly findings: readonly CleanupFinding[];
  /** Snapshots of which everything is removed now; empty in a dry run. */
  readonly freed: readonly SnapshotId[];
}

/**
 * Looks for what runs that died have left, and removes it unless `dryRun`. Nothing is touched that no journal names.
 * Throws what concerns all: the bucket, the credentials.
 */
export async function cleanup(
  { tag, leaseMs, dryRun }: { readonly tag: string; readonly leaseMs: number; readonly dryRun: boolean },
  dependencies: RecoverDependencies,
): Promise<CleanupResult> {
  const { ec2, store, signal } = dependencies;
  await requireBucket(store, signal);
  const findings: CleanupFinding[] = [];
  const named = new Set<string>();
  for await (const { key, found } of listLeases(store, leasePrefix, signal)) {
    const snapshotId = leasedSnapshot(key);
    if (snapshotId === undefined || found.kind === 'unreadable') {
      const why = found.kind === 'unreadable' ? messageOf(found.error) : 'It is not named after a snapshot.';
      findings.push({ kind: 'unreadable', key, why });
      continue;
    }
    const { content, writtenAtMs } = found.object;
    const { owner } = content;
    let left: readonly JournalEntry[];
    try {
      left = parseJournal(content.journal);
    } catch {
      findings.push({ kind: 'unreadable', key, why: 'Its journal is of another version.' });
      continue;
    }
    for (const entry of left) {
      if (entry.kind === 'volume' || entry.kind === 'new-volume') named.add(entry.volumeId ?? entry.runId);
    }
    findings.push(
      isAbandoned(found.object, { isDead: isDeadHere })
        ? { kind: 'abandoned', snapshotId, owner, left: left.map(describe) }
        : { kind: 'running', snapshotId, owner, renewedAt: new Date(writtenAtMs).toISOString() },
    );
  }
  for await (const { volumeId, state, tags } of ec2.volumesTagged(tag, signal)) {
    if (named.has(volumeId) || named.has(tags[tag] ?? '')) continue;
    findings.push({ kind: 'unclaimed-volume', volumeId, state });
  }
  return { findings, freed: dryRun ? [] : await recoverAbandoned(dependencies, { leaseMs }) };
}

function describe(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'tag':
      return `the tag ${entry.tag}, to go back to "${entry.otherwise}"`;
    case 'volume':
      return entry.volumeId === null
        ? 'a temporary volume, if it came into being'
        : `the temporary volume ${entry.volumeId}${entry.keep ? ', to be detached and kept' : ''}`;
    case 'new-volume':
      return entry.volumeId === null
        ? 'a volume that was to be restored to, if it came into being'
        : `the half-restored volume ${entry.volumeId}`;
    case 'mount':
      return `the mount ${entry.path}`;
    case 'upload':
      return `the unfinished upload of ${entry.key}`;
  }
}
