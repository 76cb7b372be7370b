import type { Selection, ValidateSettings } from '../commands/index.js';
import { snapshotId } from '../core/index.js';
import { readBucket, usage, type OptionValues } from './options/index.js';
import { readTelling, type Telling } from './telling.js';

/** Everything that `validate` is asked for, checked. */
export interface ValidateRequest {
  readonly bucket: string;
  readonly selection: Selection;
  readonly settings: ValidateSettings;
  readonly against: 'snapshot' | 'index';
  readonly reportFile: string | undefined;
  readonly telling: Telling;
}

/** Checks what `validate` is asked for. Throws `usage` with one sentence and the next step. */
export function readValidateOptions(values: OptionValues): ValidateRequest {
  const against = values.text('against') === 'index' ? 'index' : 'snapshot';
  const selection = readSelection(values, 'validate');
  if (against === 'index' && selection.kind === 'one') {
    throw values.refusal('one', 'has no meaning for --against index.', 'Give --all or --snapshots instead.');
  }
  return {
    bucket: readBucket(values),
    selection,
    settings: readValidateSettings(values),
    against,
    reportFile: values.text('report'),
    telling: readTelling(values),
  };
}

/** How is validated. Throws `usage`. */
export function readValidateSettings(values: OptionValues): ValidateSettings {
  return {
    tag: readTag(values),
    mountPoint: values.text('mount-point') ?? '/mnt',
    volumeType: values.text('volume-type'),
    keepVolumes: values.isOn('keep-temp-volumes'),
    downloadStreams: values.integer('download-streams'),
    sessionKeys: values.list('gpg-session-key'),
    jobs: values.integer('jobs'),
    leaseMs: 1000 * values.integer('lease-seconds'),
  };
}

/** The tag's key. Throws `usage`. */
export function readTag(values: OptionValues): string {
  const tag = values.text('tag') ?? '';
  // EC2 takes keys of 128 characters; `-id` is put behind ours.
  if (tag.length <= 125 && !tag.startsWith('aws:')) return tag;
  throw values.refusal('tag', 'cannot be a tag.', 'Give 1 to 125 characters, not beginning with aws:.');
}

/** Which snapshots are meant. Throws `usage` where that is not said, or twice. */
export function readSelection(values: OptionValues, what: string): Selection {
  const snapshots = values.list('snapshots');
  const given = [values.isOn('all'), values.isOn('one'), snapshots.length > 0].filter(Boolean).length;
  if (given !== 1) {
    throw usage(
      given === 0 ? 'No snapshots are named.' : '--all, --one and --snapshots exclude each other.',
      `Say which snapshots to ${what} with one of: --all, --one, --snapshots snap-0123456789abcdef0`,
    );
  }
  if (snapshots.length > 0) return { kind: 'list', snapshotIds: snapshots.map(snapshotId) };
  return { kind: values.isOn('all') ? 'all' : 'one' };
}
