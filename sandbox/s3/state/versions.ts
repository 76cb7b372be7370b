import type { Segment, Version } from './model.js';
import { nullVersion } from './version-ids.js';

/** The versions of a key after a new one, which takes the place of the `null` version where it is one itself. */
export function withNewest(versions: readonly Version[], newest: Version): readonly Version[] {
  const others = newest.versionId === nullVersion ? without(versions, nullVersion) : versions;
  return [newest, ...others];
}

/** The versions of a key when one of them has gone. */
export function without(versions: readonly Version[], versionId: string): readonly Version[] {
  return versions.filter((version) => version.versionId !== versionId);
}

/** The versions of a key when one of them bears something else: tags, a lock, a restored copy. */
export function withChanged(versions: readonly Version[], changed: Version): readonly Version[] {
  return versions.map((version) => (version.versionId === changed.versionId ? changed : version));
}

/** The version with this id; the current one without an id. */
export function findVersion(versions: readonly Version[], versionId: string | undefined): Version | undefined {
  return versionId === undefined ? versions[0] : versions.find((version) => version.versionId === versionId);
}

/** The files that versions consist of. */
export function segmentsOf(versions: readonly Version[]): readonly Segment[] {
  return versions.flatMap((version) => (version.kind === 'object' ? version.segments : []));
}
