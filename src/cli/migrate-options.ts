import type { MigrateSettings, Selection } from '../commands/index.js';
import { snapshotId } from '../core/index.js';
import { readBucket, usage, type OptionValues } from './options/index.js';
import { readTelling, type Telling } from './telling.js';

/** Everything that `migrate` is asked for, checked. */
export interface MigrateRequest {
  readonly bucket: string;
  readonly selection: Selection;
  readonly settings: MigrateSettings;
  readonly dryRun: boolean;
  readonly telling: Telling;
}

const highestLevel = { lz4: 9, zstd: 19 } as const;

/** Checks what `migrate` is asked for. Throws `usage` with one sentence and the next step. */
export function readMigrateOptions(values: OptionValues): MigrateRequest {
  const codec = values.text('compression') === 'zstd' ? 'zstd' : 'lz4';
  return {
    bucket: readBucket(values),
    selection: readSelection(values),
    dryRun: values.isOn('dry-run'),
    telling: readTelling(values),
    settings: {
      tag: readTag(values),
      content: values.isOn('dd') ? 'image' : 'tar',
      codec,
      level: values.integer('compression-level', highestLevel[codec]),
      uploadStreams: values.integer('upload-streams'),
      mountPoint: values.text('mount-point') ?? '/mnt',
      volumeType: values.text('volume-type'),
      keepVolumes: values.isOn('keep-temp-volumes'),
      encryption: readEncryption(values),
      storageClass: readStorageClass(values),
      recipients: values.list('gpg-recipient'),
      jobs: values.integer('jobs'),
      leaseMs: 1000 * values.integer('lease-seconds'),
    },
  };
}

/** The tag's key. Throws `usage`. */
export function readTag(values: OptionValues): string {
  const tag = values.text('tag') ?? '';
  // EC2 takes keys of 128 characters; `-id` is put behind ours.
  if (tag.length <= 125 && !tag.startsWith('aws:')) return tag;
  throw values.refusal('tag', 'cannot be a tag.', 'Give 1 to 125 characters, not beginning with aws:.');
}

/** STANDARD is not asked for: it is what S3, and every store that is like S3, takes where nothing is said. */
function readStorageClass(values: OptionValues): string | undefined {
  const chosen = values.text('storage-class');
  return chosen === 'STANDARD' ? undefined : chosen;
}

function readEncryption(values: OptionValues): MigrateSettings['encryption'] {
  const mode = values.text('sse');
  const keyId = values.text('sse-kms-key-id');
  if (keyId !== undefined && mode !== 'aws:kms') {
    throw values.refusal('sse-kms-key-id', 'needs --sse aws:kms.', 'Add --sse aws:kms, or leave the key id out.');
  }
  if (mode === undefined) return undefined;
  return mode === 'AES256' ? { mode } : { mode: 'aws:kms', keyId };
}

function readSelection(values: OptionValues): Selection {
  const snapshots = values.list('snapshots');
  const given = [values.isOn('all'), values.isOn('one'), snapshots.length > 0].filter(Boolean).length;
  if (given !== 1) {
    throw usage(
      given === 0 ? 'No snapshots are named.' : '--all, --one and --snapshots exclude each other.',
      'Say which snapshots to migrate with one of: --all, --one, --snapshots snap-0123456789abcdef0',
    );
  }
  if (snapshots.length > 0) return { kind: 'list', snapshotIds: snapshots.map(snapshotId) };
  return { kind: values.isOn('all') ? 'all' : 'one' };
}
