import { AppError } from './errors.js';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `snap-` and 8 or 17 hexadecimal digits. */
export type SnapshotId = Branded<'SnapshotId'>;
/** `vol-` and 8 or 17 hexadecimal digits; `vol-ffffffff` stands for "no volume" on copied snapshots. */
export type VolumeId = Branded<'VolumeId'>;
/** `i-` and 8 or 17 hexadecimal digits. */
export type InstanceId = Branded<'InstanceId'>;

/** A check of ids; each with its expression made once, for reports have a hundred thousand. */
function checked(kind: string, prefix: string): (text: string) => string {
  const pattern = new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`);
  return (text) => {
    if (pattern.test(text)) return text;
    throw new AppError('usage', `${JSON.stringify(text)} is not ${kind}.`, {
      hint: `Give ${prefix}- followed by 8 or 17 hexadecimal digits, as EC2 shows it.`,
    });
  };
}

/** Checks a snapshot id. Throws `usage`. */
export const snapshotId = checked('a snapshot id', 'snap') as (text: string) => SnapshotId;
/** Checks a volume id. Throws `usage`. */
export const volumeId = checked('a volume id', 'vol') as (text: string) => VolumeId;
/** Checks an instance id. Throws `usage`. */
export const instanceId = checked('an instance id', 'i') as (text: string) => InstanceId;
