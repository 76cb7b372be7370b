import { checkRecipients, encryptFor, findGpg } from '../codec/index.js';
import { requireMountPlace } from '../disk/index.js';
import type { ProgramStage } from '../process/index.js';
import { hasConditionalWrites, requireBucket, requireTemporaryDirectory } from '../store/index.js';
import type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
import { migrateSnapshot, type MigrateSnapshotOptions } from './migrate-snapshot.js';
import { overSnapshots, selectedSnapshots, type RunResult } from './over-snapshots.js';
import type { Selection } from './select-snapshots.js';
import { decryptionOf, validateAfterwards } from './validate.js';
import type { ValidateSettings } from './validate-settings.js';

/**
 * Migrates the selected snapshots, `jobs` at once, and, where that is asked for, validates each right after; one that fails
 * is reported and does not stop the rest. What runs that died have left is cleaned up first. Throws only for what
 * concerns all of them: the bucket, the credentials, the gpg recipients, or an aborted signal.
 */
export async function migrate(
  selection: Selection,
  settings: MigrateSettings,
  dependencies: MigrateDependencies & { readonly validate?: ValidateSettings | undefined },
): Promise<RunResult> {
  const { clock, ec2, events, runId, store, signal, validate } = dependencies;
  const runStartedMs = clock.now();
  await requireTemporaryDirectory(store);
  if (settings.content === 'tar') await requireMountPlace(settings.mountPoint);
  await requireBucket(store, signal);
  const encrypt = await encryption(settings, dependencies);
  const hasLeases = await hasConditionalWrites(store, `.snap-to-s3/probe-${runId}`, signal);
  if (!hasLeases) events({ kind: 'notice', text: noLeases });
  // Jobs share the cores; each has buffers for as many frames as it has threads.
  const parallelism = Math.max(1, Math.round(dependencies.parallelism / settings.jobs));
  const from = selection.kind === 'list' ? undefined : 'migrate';
  const shared = { ...dependencies, parallelism, runStartedMs, hasLeases, encrypt, from } as const;
  const decryption = validate === undefined ? undefined : decryptionOf(validate, dependencies);
  const afterwards: MigrateSnapshotOptions['afterwards'] =
    validate === undefined || decryption === undefined
      ? undefined
      : (snapshot, layout, leased) =>
          validateAfterwards(snapshot, layout, validate, {
            ...shared,
            ...leased,
            decryption,
            encryption: settings.encryption,
          });
  return overSnapshots(
    {
      snapshots: selectedSnapshots({ selection, ...settings, waiting: 'migrate', hasLeases }, dependencies),
      selection: selection.kind,
      jobs: settings.jobs,
      work: async (snapshotId) => {
        await migrateSnapshot(await ec2.snapshot(snapshotId, signal), settings, { ...shared, afterwards });
      },
    },
    dependencies,
  );
}

const noLeases =
  'This store has no conditional writes, so that two runs at once are kept apart by tags only, and what a run leaves that ' +
  'dies is not found by the next one.';

/** The keys are found once, before anything is made: the whole run encrypts for these. */
async function encryption(
  { recipients }: MigrateSettings,
  { gnupgHome: home, signal }: MigrateDependencies,
): Promise<ProgramStage | undefined> {
  if (recipients.length === 0) return undefined;
  const gpg = await findGpg({ home, signal });
  return encryptFor(gpg, await checkRecipients(gpg, recipients, signal));
}
