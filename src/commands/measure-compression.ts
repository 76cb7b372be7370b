import { listArchives, type ListDependencies } from './list-archives.js';

/** How well archives of a bucket are compressed. */
export interface MeasuredCompression {
  /** Bytes before compression over bytes after it. */
  readonly ratio: number;
  readonly archives: number;
}

/** More would not say more. */
const archivesMeasured = 1_000;

/**
 * Measures by the manifests of a bucket how well tars compress there; images have zeros in them that no snapshot is billed
 * for. Undefined where there is no tar.
 */
export async function measureCompression(
  dependencies: Omit<ListDependencies, 'ec2' | 'tag'>,
): Promise<MeasuredCompression | undefined> {
  let [rawBytes, storedBytes, archives] = [0, 0, 0];
  for await (const { manifest } of listArchives({ ...dependencies, ec2: undefined, tag: '' })) {
    const tars = manifest?.objects.filter(({ content }) => content === 'tar') ?? [];
    if (tars.length === 0) continue;
    for (const tar of tars) [rawBytes, storedBytes] = [rawBytes + tar.rawBytes, storedBytes + tar.storedBytes];
    archives += 1;
    if (archives === archivesMeasured) break;
  }
  return storedBytes === 0 ? undefined : { ratio: rawBytes / storedBytes, archives };
}
