import { AppError, createBufferPool, type BufferPool, type SnapshotId, type ValidatedObject } from '../core/index.js';
import type { FindingTeller } from './archive-findings.js';
import { fittingKeys, type Decryption } from './fitting-key.js';
import type { FoundArchive, FoundObject } from './find-archive.js';
import { rowDifferences } from './manifest-differences.js';
import type { MigrateDependencies } from './migrate-settings.js';
import { readTwiceIfDamaged } from './read-twice.js';
import { validateObject, type ValidationSource } from './validate-object.js';

/** What validating an archive needs; no EC2 and no root of its own. */
export interface ValidateArchiveDependencies extends Pick<
  MigrateDependencies,
  'store' | 'clock' | 'events' | 'parallelism' | 'signal'
> {
  /** Requests to S3 at once. */
  readonly downloadStreams: number;
  readonly decryption: Decryption;
  /** What was found wrong before. */
  readonly findingsBefore?: number;
}

/** Gives to `use` what an object is held against, while it is there. */
export type WithSource = (
  object: FoundObject,
  findings: FindingTeller,
  use: (source: ValidationSource) => Promise<ValidatedObject>,
) => Promise<ValidatedObject | undefined>;

const noManifest =
  'it has an index, but there is no manifest: the run that made it was broken off, or the manifest was deleted';

/**
 * Validates all objects of an archive, one after the other. Returns what was compared. Throws `validation-failed` when
 * something is not as it should be, all of which has been told; other errors where it could not be found out.
 */
export async function validateArchive(
  found: FoundArchive,
  withSource: WithSource,
  dependencies: ValidateArchiveDependencies,
): Promise<readonly ValidatedObject[]> {
  const { events } = dependencies;
  const { snapshotId } = found;
  let findings = dependencies.findingsBefore ?? 0;
  for (const key of found.missing) {
    findings += 1;
    events({
      kind: 'finding',
      snapshotId,
      key,
      problem: 'damaged',
      text: 'the manifest names it, but it is not there',
    });
  }
  for (const { stored } of found.others) {
    const text = `${stored.key} is of the same snapshot, but its manifest does not name it; it is not validated.`;
    events({ kind: 'notice', snapshotId, text });
  }
  const pool = createBufferPool();
  const validated: ValidatedObject[] = [];
  for (const object of found.objects) {
    const { key } = object.stored;
    events({ kind: 'stage', snapshotId, stage: 'validating', subject: key });
    const read = async (teller: FindingTeller): Promise<ValidatedObject | undefined> => {
      if (found.manifest === undefined && object.index !== undefined) teller.other('damaged', noManifest);
      for (const text of rowDifferences(object)) teller.other('manifest', text);
      return withSource(object, teller, (source) =>
        withFittingKeys(object, source, { ...dependencies, snapshotId, pool, findings: teller }),
      );
    };
    const { result, count } = await readTwiceIfDamaged(read, { ...dependencies, snapshotId, key });
    if (result !== undefined) {
      validated.push(result);
      events({ kind: 'object-validated', snapshotId, object: result });
    }
    findings += count;
  }
  if (findings > 0) throw failed(snapshotId, findings);
  return validated;
}

interface ObjectDependencies extends ValidateArchiveDependencies {
  readonly snapshotId: SnapshotId;
  readonly pool: BufferPool;
  readonly findings: FindingTeller;
}

/** With the keys that an object and its index take. Without that of the index only a snapshot can be the measure. */
async function withFittingKeys(
  object: FoundObject,
  source: ValidationSource,
  { decryption, downloadStreams: streams, clock, ...dependencies }: ObjectDependencies,
): Promise<ValidatedObject> {
  const keys = await fittingKeys(object, { decryption, ...dependencies });
  if (
    object.name.encrypted &&
    keys.decryptIndex === undefined &&
    object.index !== undefined &&
    source.kind === 'index'
  ) {
    const text = `The index ${object.index.key} takes a session key of its own, which was not given.`;
    throw new AppError('wrong-session-key', text, {
      hint: 'Get it like that of the archive, and give both: --gpg-session-key … --gpg-session-key …',
    });
  }
  return validateObject(object, source, { ...dependencies, ...keys, streams, now: () => clock.now() });
}

function failed(snapshotId: SnapshotId, findings: number): AppError {
  const what = findings === 1 ? 'one thing is' : `${findings.toLocaleString('en-US')} things are`;
  return new AppError('validation-failed', `The archive of ${snapshotId} is not what it should be: ${what} wrong.`, {
    hint: 'Keep the snapshot. Archive it anew: snap-to-s3 migrate --snapshots …; and validate that.',
    details: { findings },
  });
}
