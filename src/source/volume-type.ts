import { AppError, type SnapshotId } from '../core/index.js';

/** What EBS makes of a type of volume. */
interface VolumeTypeLimits {
  readonly leastGiB: number;
  readonly mostGiB: number;
  /** Input and output operations a second that must be asked for, for each GiB at most. */
  readonly iopsPerGiB?: number;
}

/** Sizes and IOPS as of 2025-12 (EBS user guide, "Amazon EBS volume types"; EC2 API reference, CreateVolume). */
const limits = {
  standard: { leastGiB: 1, mostGiB: 1_024 },
  gp2: { leastGiB: 1, mostGiB: 16_384 },
  gp3: { leastGiB: 1, mostGiB: 65_536 },
  io1: { leastGiB: 4, mostGiB: 16_384, iopsPerGiB: 50 },
  io2: { leastGiB: 4, mostGiB: 65_536, iopsPerGiB: 500 },
  st1: { leastGiB: 125, mostGiB: 16_384 },
  sc1: { leastGiB: 125, mostGiB: 16_384 },
} as const satisfies Readonly<Record<string, VolumeTypeLimits>>;

/** What gp3 has by itself, and more than one reader in sequence uses. */
const wantedIops = 3_000;

/**
 * The type of a temporary volume where none is asked for: `standard` up to 1 TiB and `gp2` above, as the existing tool chooses it,
 * and `gp3` for what is too large for `gp2`.
 */
export function temporaryVolumeType({ volumeGiB }: { readonly volumeGiB: number }): 'standard' | 'gp2' | 'gp3' {
  if (volumeGiB <= limits.standard.mostGiB) return 'standard';
  return volumeGiB <= limits.gp2.mostGiB ? 'gp2' : 'gp3';
}

/** The IOPS to ask for with a volume of this type and size; undefined where EBS asks for none. */
export function iopsOf(volumeType: string, sizeGiB: number): number | undefined {
  const { iopsPerGiB } = limitsOf(volumeType) ?? {};
  return iopsPerGiB === undefined ? undefined : Math.min(wantedIops, iopsPerGiB * sizeGiB);
}

/** Makes sure that EBS has volumes of this type in this size. Throws `usage`. */
export function requireVolumeSize(
  volumeType: string | undefined,
  { snapshotId, volumeGiB }: { readonly snapshotId: SnapshotId; readonly volumeGiB: number },
): void {
  const known = volumeType === undefined ? undefined : limitsOf(volumeType);
  if (known === undefined || (volumeGiB >= known.leastGiB && volumeGiB <= known.mostGiB)) return;
  const others = Object.entries(limits).filter(([, { leastGiB, mostGiB }]) => {
    return volumeGiB >= leastGiB && volumeGiB <= mostGiB;
  });
  throw new AppError(
    'usage',
    `The volume of snapshot ${snapshotId} has ${volumeGiB} GiB, and ${volumeType ?? ''} volumes have ` +
      `${known.leastGiB} to ${known.mostGiB} GiB.`,
    { hint: `Leave out --volume-type, or choose another one: ${others.map(([name]) => name).join(', ')}.` },
  );
}

/** Undefined for a type that is newer than this table: EC2 knows. */
function limitsOf(volumeType: string): VolumeTypeLimits | undefined {
  return new Map<string, VolumeTypeLimits>(Object.entries(limits)).get(volumeType);
}
