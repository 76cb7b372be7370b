import { checkSessionKey, decryptWith, findGpg, type Gpg } from '../codec/index.js';
import type { ValidatedObject } from '../core/index.js';
import { requireMountPlace, type DiskLayout } from '../disk/index.js';
import type { ProgramStage } from '../process/index.js';
import { claimSnapshot, requireUsable, requireVolumeSize, type Snapshot } from '../source/index.js';
import { hasConditionalWrites, requireBucket } from '../store/index.js';
import { findArchive, type FoundArchive } from './find-archive.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { describe } from './migrate-snapshot.js';
import { overSnapshots, selectedSnapshots, type RunResult } from './over-snapshots.js';
import type { Selection } from './select-snapshots.js';
import { withDisk } from './snapshot-disk.js';
import type { Decryption } from './fitting-key.js';
import { validateDisk } from './validate-disk.js';
import type { ValidateSettings } from './validate-settings.js';
import { recordValidation, type RecordDependencies } from './validation-record.js';
import { whileSettling } from './while-settling.js';
import { withLease, type Leased } from './with-lease.js';

/**
 * Validates the archives of the selected snapshots against the snapshots themselves, `jobs` at once; one that fails is
 * reported and does not stop the rest. Throws only for what concerns all of them: the bucket, the credentials, the session
 * keys, or an aborted signal.
 */
export async function validate(
  selection: Selection,
  settings: ValidateSettings,
  dependencies: MigrateDependencies,
): Promise<RunResult> {
  const { events, runId, store, signal } = dependencies;
  await requireMountPlace(settings.mountPoint);
  await requireBucket(store, signal);
  const decryption = decryptionOf(settings, dependencies);
  const hasLeases = await hasConditionalWrites(store, `.snap-to-s3/probe-${runId}`, signal);
  if (!hasLeases) events({ kind: 'notice', text: noLeases });
  const parallelism = Math.max(1, Math.round(dependencies.parallelism / settings.jobs));
  const from = selection.kind === 'list' ? undefined : 'migrated';
  return overSnapshots(
    {
      snapshots: selectedSnapshots({ selection, ...settings, waiting: 'migrated', hasLeases }, dependencies),
      selection: selection.kind,
      jobs: settings.jobs,
      work: async (snapshotId) => {
        const snapshot = await dependencies.ec2.snapshot(snapshotId, signal);
        await validateSnapshot(snapshot, settings, { ...dependencies, parallelism, hasLeases, from, decryption });
      },
    },
    dependencies,
  );
}

const noLeases = 'This store has no conditional writes, so that two runs at once are kept apart by tags only.';

/** How encrypted archives are read; gpg is looked for when there is one. Throws `usage` for a session key that is none. */
export function decryptionOf(
  { sessionKeys }: Pick<ValidateSettings, 'sessionKeys'>,
  { gnupgHome: home, signal }: Pick<MigrateDependencies, 'gnupgHome' | 'signal'>,
): Decryption {
  for (const key of sessionKeys) checkSessionKey(key);
  let gpg: Promise<Gpg> | undefined;
  const stage = (sessionKey?: string): ProgramStage =>
    async function* (source, options) {
      gpg ??= findGpg({ home, signal });
      yield* decryptWith(await gpg, { sessionKey })(source, options);
    };
  if (sessionKeys.length === 0) return { kind: 'keys', decrypt: stage() };
  return { kind: 'session-keys', decrypt: sessionKeys.map((key) => stage(key)) };
}

/** How one snapshot is validated. */
export interface ValidateSnapshotOptions {
  /** The state in which its tag must still be; undefined: whatever its tags say. */
  readonly from: 'migrated' | undefined;
  readonly hasLeases: boolean;
  readonly decryption: Decryption;
}

/**
 * Validates the archive of one snapshot: leases and claims it, makes a volume of it or takes one that was kept, and compares.
 * Its tag becomes `validated`, or `migrated` again when it fails. Whatever happens, everything temporary is removed again.
 * Throws `validation-failed`, `not-found`, `claimed-elsewhere`, and whatever the rooms throw.
 */
export async function validateSnapshot(
  snapshot: Snapshot,
  settings: ValidateSettings,
  dependencies: MigrateDependencies & ValidateSnapshotOptions,
): Promise<void> {
  const { events, store, signal } = dependencies;
  const { snapshotId, volumeId } = snapshot;
  events({ kind: 'snapshot-started', snapshotId, description: describe(snapshot) });
  requireUsable(snapshot);
  requireVolumeSize(settings.volumeType, snapshot);
  await findArchive(store, snapshotId, { volumeId, signal });
  await withLease(snapshotId, { ...dependencies, leaseMs: settings.leaseMs }, async (leased) => {
    const bound = { ...dependencies, ...leased };
    await claimed(snapshot, settings, {
      ...bound,
      compare: (whileOurs) => {
        const reading = { ...bound, ...whileOurs };
        const use = (layout: DiskLayout) => compareDisk(snapshot, layout, settings, reading);
        return withDisk(snapshot, settings, { ...reading, use });
      },
    });
  });
}

/**
 * Validates the archive of a snapshot that was made just now, under the same lease and on the same disk. Throws as
 * {@link validateSnapshot}.
 */
export async function validateAfterwards(
  snapshot: Snapshot,
  layout: DiskLayout,
  settings: ValidateSettings,
  dependencies: MigrateDependencies & Leased & RecordDependencies & Pick<ValidateSnapshotOptions, 'decryption'>,
): Promise<void> {
  await claimed(snapshot, settings, {
    ...dependencies,
    from: undefined,
    compare: (whileOurs) => compareDisk(snapshot, layout, settings, { ...dependencies, ...whileOurs }),
  });
}

async function compareDisk(
  snapshot: Snapshot,
  layout: DiskLayout,
  settings: ValidateSettings,
  dependencies: MigrateDependencies & Leased & Pick<ValidateSnapshotOptions, 'decryption'>,
): Promise<Compared> {
  const { snapshotId, volumeId } = snapshot;
  const { store, signal } = dependencies;
  const { downloadStreams } = settings;
  const found = await findArchive(store, snapshotId, { volumeId, signal });
  return {
    found,
    objects: await validateDisk({ found, snapshot, layout }, settings, { ...dependencies, downloadStreams }),
  };
}

/** An archive that is the same as its snapshot. */
interface Compared {
  readonly found: FoundArchive;
  readonly objects: readonly ValidatedObject[];
}

/** Compares a snapshot as long as the signal lets it. */
type Compare = (whileOurs: Pick<Leased, 'signal'>) => Promise<Compared>;

/**
 * Claims the snapshot by its tags while it is compared, and tells by them, and by a record beside the archive, what came of
 * it. Comparing writes nothing, so that it begins before it is known that the claim stands, and ends where it does not.
 */
async function claimed(
  snapshot: Snapshot,
  { tag }: ValidateSettings,
  dependencies: MigrateDependencies &
    Leased &
    RecordDependencies &
    Pick<ValidateSnapshotOptions, 'from'> & { readonly compare: Compare },
): Promise<void> {
  const { clock, events, lease, runId, signal, compare } = dependencies;
  const { snapshotId } = snapshot;
  const startedMs = clock.now();
  const states = { tag, runId, otherwise: 'migrated' } as const;
  await using claim = await lease.entered({ kind: 'tag', ...states }, () =>
    claimSnapshot(snapshot, { ...dependencies, ...states, during: 'validating', isOurs: () => lease.isOurs() }),
  );
  const { found, objects } = await whileSettling(claim, signal, (cancel) => compare({ signal: cancel }));
  if (!(await lease.isOurs())) throw lease.lost.reason;
  await recordValidation(snapshot, found, dependencies);
  await claim.finish('validated');
  events({ kind: 'snapshot-validated', snapshotId, objects, elapsedMs: clock.now() - startedMs });
}
