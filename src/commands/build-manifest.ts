import { formatVersion, type Manifest, type ManifestArea } from '../archive/index.js';
import type { Clock } from '../core/index.js';
import type { Contents, DiskLayout } from '../disk/index.js';
import type { Snapshot } from '../source/index.js';
import type { ArchivedDisk } from './archive-disk.js';

/** What a manifest is made of. */
export interface ManifestFacts {
  readonly snapshot: Snapshot;
  readonly layout: DiskLayout;
  readonly archived: ArchivedDisk;
  readonly region: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly clock: Clock;
}

/** Puts together what is known of a snapshot and its archive. */
export function buildManifest({ snapshot, layout, archived, region, tool, clock }: ManifestFacts): Manifest {
  return {
    format: 'snap-to-s3-manifest',
    version: formatVersion,
    tool,
    createdAt: new Date(clock.now()).toISOString(),
    region,
    snapshot: {
      snapshotId: snapshot.snapshotId,
      volumeId: snapshot.volumeId,
      startTime: snapshot.startTime.toISOString(),
      volumeGiB: snapshot.volumeGiB,
      description: snapshot.description,
      ownerId: snapshot.ownerId,
      encrypted: snapshot.encrypted,
      tags: { ...snapshot.tags },
    },
    disk: {
      sizeBytes: layout.sizeBytes,
      sectorBytes: layout.sectorBytes,
      partitionTable: layout.partitionTable?.type ?? null,
      sfdiskDump: layout.partitionTable?.dump ?? null,
      areas: layout.areas.map((area) => describeArea(area, archived)),
    },
    objects: [...archived.objects],
  };
}

function describeArea(area: DiskLayout['areas'][number], archived: ArchivedDisk): ManifestArea {
  const base = {
    partition: area.partition ?? null,
    startBytes: area.startBytes,
    sizeBytes: area.sizeBytes,
    usedBytes: archived.usedBytes.get(area.path) ?? null,
    // An image holds every area of the disk.
    archived: archived.usedBytes.has(area.path) || archived.objects.some((object) => object.content === 'image'),
  };
  return { ...base, ...describeContents(area.contents) };
}

/** What a manifest says of what a partition holds. */
export function describeContents(contents: Contents): Pick<ManifestArea, 'type' | 'label' | 'uuid'> {
  switch (contents.kind) {
    case 'filesystem':
      return { type: contents.type, label: contents.label, uuid: contents.uuid };
    case 'swap':
      return { type: 'swap', label: contents.label, uuid: contents.uuid };
    case 'member':
      return { type: contents.type, label: null, uuid: null };
    case 'extended':
      return { type: 'extended', label: null, uuid: null };
    case 'empty':
      return { type: null, label: null, uuid: null };
  }
}
