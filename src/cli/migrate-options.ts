import type { MigrateSettings, Selection, ValidateSettings } from '../commands/index.js';
import { readBucket, type OptionValues } from './options/index.js';
import { readTelling, type Telling } from './telling.js';
import { readSelection, readTag, readValidateSettings } from './validate-options.js';

/** Everything that `migrate` is asked for, checked. */
export interface MigrateRequest {
  readonly bucket: string;
  readonly selection: Selection;
  readonly settings: MigrateSettings;
  /** Undefined: what is archived is not validated. */
  readonly validate: ValidateSettings | undefined;
  /** The file for what validation finds. */
  readonly reportFile: string | undefined;
  readonly dryRun: boolean;
  /** The file of prices for the dry run. */
  readonly pricesFile: string | undefined;
  readonly telling: Telling;
}

const highestLevel = { lz4: 9, zstd: 19 } as const;

/** Checks what `migrate` is asked for. Throws `usage` with one sentence and the next step. */
export function readMigrateOptions(values: OptionValues): MigrateRequest {
  if (values.text('against') === 'index') {
    throw values.refusal(
      'against',
      'is for validating alone.',
      'Leave it out, or run: snap-to-s3 validate --against index …',
    );
  }
  const codec = values.text('compression') === 'zstd' ? 'zstd' : 'lz4';
  return {
    bucket: readBucket(values),
    selection: readSelection(values, 'migrate'),
    validate: values.isOn('validate') ? readValidateSettings(values) : undefined,
    reportFile: values.text('report'),
    dryRun: values.isOn('dry-run'),
    pricesFile: values.text('prices'),
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
