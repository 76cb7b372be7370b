import { AppError } from './errors.js';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `snap-` and 8 or 17 hexadecimal digits. */
export type SnapshotId = Branded<'SnapshotId'>;
/** `vol-` and 8 or 17 hexadecimal digits; `vol-ffffffff` stands for "no volume" on copied snapshots. */
export type VolumeId = Branded<'VolumeId'>;
/** `i-` and 8 or 17 hexadecimal digits. */
export type InstanceId = Branded<'InstanceId'>;

function parse(kind: string, prefix: string, text: string): string {
  if (!new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(text)) {
    throw new AppError('usage', `${JSON.stringify(text)} is not ${kind}.`, {
      hint: `Give ${prefix}- followed by 8 or 17 hexadecimal digits, as EC2 shows it.`,
    });
  }
  return text;
}

/** Checks a snapshot id. Throws `usage`. */
export const snapshotId = (text: string): SnapshotId => parse('a snapshot id', 'snap', text) as SnapshotId;
/** Checks a volume id. Throws `usage`. */
export const volumeId = (text: string): VolumeId => parse('a volume id', 'vol', text) as VolumeId;
/** Checks an instance id. Throws `usage`. */
export const instanceId = (text: string): InstanceId => parse('an instance id', 'i', text) as InstanceId;
