/** Where something is, and whose it is. */
export interface ArnPlace {
  /** `us-east-1` */
  readonly region: string;
  readonly accountId: string;
}

/** `arn:aws:ec2:us-east-1::snapshot/snap-…`: snapshots have no account in their ARN. `*` for one that is not made yet. */
export function snapshotArn(id: string, { region }: Pick<ArnPlace, 'region'>): string {
  return `arn:aws:ec2:${region}::snapshot/${id}`;
}

/** `arn:aws:ec2:us-east-1:123456789012:volume/vol-…`; `*` for one that is not made yet. */
export function volumeArn(id: string, { region, accountId }: ArnPlace): string {
  return `arn:aws:ec2:${region}:${accountId}:volume/${id}`;
}

/** `arn:aws:ec2:us-east-1:123456789012:instance/i-…`. */
export function instanceArn(id: string, { region, accountId }: ArnPlace): string {
  return `arn:aws:ec2:${region}:${accountId}:instance/${id}`;
}
