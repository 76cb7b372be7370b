import { count, printable, type ValidatedObject } from '../core/index.js';
import {
  readAhead,
  readDevice,
  requireUnwritten,
  selectFilesystems,
  type DiskLayout,
  type FilesystemArea,
} from '../disk/index.js';
import type { Snapshot } from '../source/index.js';
import { walkDisk, type TreeEntry } from '../verify/index.js';
import { tellFindings, type FindingTeller } from './archive-findings.js';
import type { FoundArchive, FoundObject } from './find-archive.js';
import { manifestDifferences } from './manifest-differences.js';
import { mountedArea } from './mounted-area.js';
import type { DiskDependencies } from './snapshot-disk.js';
import { validateArchive, type ValidateArchiveDependencies, type WithSource } from './validate-archive.js';
import type { ValidateSettings } from './validate-settings.js';

/** An archive, and what it was made of. */
export interface SourcedArchive {
  readonly found: FoundArchive;
  readonly snapshot: Snapshot;
  /** The disk of a volume made of the snapshot. */
  readonly layout: DiskLayout;
}

/**
 * Validates an archive against the disk that it was made of: every tar against the files of its filesystem, which are read
 * by themselves, and an image against the bytes of the volume. A filesystem that is in no archive is a finding. Throws
 * `validation-failed`, and what reading disk and store throws.
 */
export async function validateDisk(
  { found, snapshot, layout }: SourcedArchive,
  settings: Pick<ValidateSettings, 'mountPoint'>,
  dependencies: DiskDependencies & ValidateArchiveDependencies,
): Promise<readonly ValidatedObject[]> {
  const { events } = dependencies;
  const { snapshotId } = found;
  const onNotice = (text: string): void => events({ kind: 'notice', snapshotId, text: printable(text) });
  for (const text of await requireUnwritten(layout)) onNotice(text);
  const hasTars = found.objects.some(({ name }) => name.content === 'tar');
  const filesystems = hasTars ? selectFilesystems(layout).filesystems : [];
  const whole = tellFindings({ snapshotId, key: found.manifest?.key ?? snapshotId }, events);
  if (found.manifest !== undefined) {
    for (const text of manifestDifferences(found.manifest.content, { snapshot, layout })) whole.other('manifest', text);
  }
  const areas = new Map(found.objects.map((object) => [object, areaOf(object, filesystems)]));
  for (const area of filesystems) {
    if ([...areas.values()].includes(area)) continue;
    whole.other('missing', `${nameOf(area)}, a filesystem of the type ${area.contents.type}, is in no archive`);
  }
  const withSource: WithSource = async (object, findings, use) => {
    if (object.name.content === 'image') {
      const bytes = () => readDevice(layout.path, { sizeBytes: layout.sizeBytes, signal: dependencies.signal });
      const result = await use({ kind: 'device', bytes });
      await requireUnwritten(layout);
      return result;
    }
    const area = areas.get(object);
    if (area !== undefined) return onMounted(area, findings);
    findings.other('extra', 'there is no filesystem on the volume that it could be the archive of');
    return undefined;

    async function onMounted(from: FilesystemArea, teller: FindingTeller): Promise<ValidatedObject> {
      const { mountPoint } = settings;
      await using mount = await mountedArea({ snapshotId, area: from, layout, mountPoint, onNotice }, dependencies);
      let sockets = 0;
      const filesystemType = from.contents.type;
      const entries = async function* (): AsyncGenerator<TreeEntry, void> {
        await using ahead = readAhead(mount.path, { filesystemType, clock: dependencies.clock });
        const { parallelism, signal } = dependencies;
        const onSockets = (more: number): void => void (sockets += more);
        for await (const entry of walkDisk(mount.path, { filesystemType, parallelism, onSockets, signal })) {
          ahead.passed();
          yield entry;
        }
      };
      const result = await use({ kind: 'tree', entries });
      await mount.requireIntact();
      await requireUnwritten(layout);
      if (sockets > 0) onNotice(`${count(sockets, 'socket')} on the volume: no archive has them.`);
      return { ...result, findings: teller.count };
    }
  };
  return validateArchive(found, withSource, { ...dependencies, findingsBefore: whole.count });
}

/** The filesystem that a tar is of. The archive of a disk without partitions has no number. */
function areaOf({ name }: FoundObject, filesystems: readonly FilesystemArea[]): FilesystemArea | undefined {
  if (name.content === 'image') return undefined;
  const { partition } = name;
  if (partition === undefined) return filesystems.length === 1 ? filesystems[0] : undefined;
  return filesystems.find((area) => String(area.partition) === partition);
}

function nameOf({ partition, path }: FilesystemArea): string {
  return partition === undefined ? path : `partition ${partition}`;
}
