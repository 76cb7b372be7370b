import { resolve } from 'node:path';
import { parseArchiveKey } from '../archive/index.js';
import type { ArchiveRequest, NewVolumeSettings, ThawSettings } from '../commands/index.js';
import { snapshotId, type SnapshotId } from '../core/index.js';
import { readBucket, usage, type OptionName, type OptionValues } from './options/index.js';
import { readTelling, type Telling } from './telling.js';
import { readTag } from './validate-options.js';

/** Where archives go; an output is the command's own. */
export type RestoreTo =
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly patterns: readonly string[];
      readonly devices: boolean;
    }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'device'; readonly path: string; readonly force: boolean }
  | { readonly kind: 'output' }
  /** What is frozen is asked for, and no more. */
  | { readonly kind: 'nowhere' }
  | ({ readonly kind: 'new-volume' } & Omit<NewVolumeSettings, 'machine'>);

/** Everything that `restore` is asked for, checked. */
export interface RestoreRequest {
  readonly bucket: string;
  readonly archives: readonly ArchiveRequest[];
  readonly to: RestoreTo;
  readonly partition: number | undefined;
  readonly thaw: ThawSettings | undefined;
  readonly downloadStreams: number;
  readonly sessionKeys: readonly string[];
  readonly telling: Telling;
}

/** Checks what `restore` is asked for. Throws `usage` with one sentence and the next step. */
export function readRestoreOptions(values: OptionValues, words: readonly string[]): RestoreRequest {
  const named = words.map(readArchive);
  if (named.length === 0) {
    throw usage(
      'No archive is named.',
      'Say which: snap-to-s3 restore snap-0123456789abcdef0 --to-directory /srv/restored',
    );
  }
  return {
    bucket: bucketOf(named, values),
    archives: grouped(named),
    to: readTo(values),
    partition: values.origin('partition').kind === 'default' ? undefined : values.integer('partition'),
    thaw: readThaw(values),
    downloadStreams: values.integer('download-streams'),
    sessionKeys: values.list('gpg-session-key'),
    telling: readTelling(values),
  };
}

const tiers = { standard: 'Standard', bulk: 'Bulk', expedited: 'Expedited' } as const;

function readThaw(values: OptionValues): ThawSettings | undefined {
  const tier = values.text('thaw');
  if (tier !== undefined) {
    return { tier: tiers[tier as keyof typeof tiers], days: values.integer('thaw-days'), wait: values.isOn('wait') };
  }
  if (!values.isOn('wait')) return undefined;
  throw values.refusal('wait', 'has no meaning without --thaw.', 'Give both: --thaw standard --wait');
}

interface NamedArchive extends Omit<ArchiveRequest, 'keys'> {
  readonly place: { readonly bucket: string; readonly key: string } | undefined;
}

function readArchive(word: string): NamedArchive {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(word) ?? [];
  if (bucket === undefined || key === undefined) return { snapshotId: snapshotId(word), place: undefined };
  const name = parseArchiveKey(key);
  if (name === undefined) {
    throw usage(
      `${JSON.stringify(word)} is not the object of an archive.`,
      'They look like this: s3://bucket/vol-…/2017-01-01T00:00:00+00:00 snap-….1.tar.lz4; or name the snapshot.',
    );
  }
  return { snapshotId: name.snapshotId, volumeId: name.volumeId, place: { bucket, key } };
}

function bucketOf(named: readonly NamedArchive[], values: OptionValues): string {
  const buckets = new Set(named.flatMap(({ place }) => (place === undefined ? [] : [place.bucket])));
  const [first] = buckets;
  // A bucket in a variable or a file is a habit; what is typed must agree with what is typed.
  const bucket = first === undefined || values.origin('bucket').kind === 'flag' ? readBucket(values) : first;
  for (const other of buckets) {
    if (other === bucket) continue;
    throw usage(`Two buckets are named: ${bucket} and ${other}.`, 'Run it once for each bucket.');
  }
  return bucket;
}

/** All objects that are named of a snapshot; the snapshot itself is all of them. */
function grouped(named: readonly NamedArchive[]): readonly ArchiveRequest[] {
  const requests = new Map<SnapshotId, ArchiveRequest>();
  for (const { snapshotId: id, volumeId, place } of named) {
    const known = requests.get(id);
    if (place === undefined) requests.set(id, { snapshotId: id, volumeId: known?.volumeId });
    else if (known === undefined) requests.set(id, { snapshotId: id, volumeId, keys: [place.key] });
    else if (known.keys !== undefined) requests.set(id, { ...known, keys: [...new Set([...known.keys, place.key])] });
  }
  return [...requests.values()];
}

const places = ['to-directory', 'to-file', 'to-device', 'to-stdout', 'to-new-volume'] as const;
type Place = (typeof places)[number];

/** What has a meaning only for one place. */
const only = {
  path: 'to-directory',
  devices: 'to-directory',
  force: 'to-device',
  'stay-attached': 'to-new-volume',
  'volume-type': 'to-new-volume',
} as const satisfies Partial<Record<OptionName, Place>>;

function readTo(values: OptionValues): RestoreTo {
  const given = places.filter((name) => values.origin(name).kind !== 'default');
  const [place] = given;
  const isOnlyAskedFor = place === undefined && values.text('thaw') !== undefined;
  if ((place === undefined && !isOnlyAskedFor) || given.length > 1) {
    throw usage(
      place === undefined
        ? 'Where it is to be restored to is not said.'
        : `${given.map((one) => `--${one}`).join(' and ')} exclude each other.`,
      'Give one of: --to-directory, --to-file, --to-device, --to-stdout, --to-new-volume; or only --thaw.',
    );
  }
  for (const [name, itsPlace] of Object.entries(only) as readonly (readonly [keyof typeof only, Place])[]) {
    if (itsPlace === place || values.origin(name).kind !== 'flag') continue;
    throw values.refusal(
      name,
      `has no meaning ${place === undefined ? 'here' : `for --${place}`}.`,
      `It is for --${itsPlace}.`,
    );
  }
  if (place === undefined) return { kind: 'nowhere' };
  const path = resolve(place === 'to-stdout' || place === 'to-new-volume' ? '' : (values.text(place) ?? ''));
  switch (place) {
    case 'to-directory':
      return { kind: 'directory', path, patterns: values.list('path'), devices: values.isOn('devices') };
    case 'to-file':
      return { kind: 'file', path };
    case 'to-device':
      return { kind: 'device', path, force: values.isOn('force') };
    case 'to-stdout':
      return { kind: 'output' };
    case 'to-new-volume':
      return {
        kind: 'new-volume',
        volumeType: values.text('volume-type') ?? 'gp3',
        stayAttached: values.isOn('stay-attached'),
        tag: readTag(values),
        mountPoint: values.text('mount-point') ?? '/mnt',
        leaseMs: 1000 * values.integer('lease-seconds'),
      };
  }
}
