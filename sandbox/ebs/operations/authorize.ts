import type { ServiceRequest } from '../../server/service.js';
import type { SnapshotTag } from '../snapshot-port.js';

/** The ARN of a snapshot as policies name it: without an account. */
export function snapshotArn(region: string, id: string): string {
  return `arn:aws:ec2:${region}::snapshot/${id}`;
}

/** `aws:ResourceTag/<key>` of a snapshot. */
export function resourceTags(tags: readonly SnapshotTag[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(tags.map(({ key, value }) => [`aws:ResourceTag/${key}`, [value]]));
}

/** Asks whether the caller may do something with a snapshot. Throws `Refusal`. */
export function authorizeSnapshot(
  request: ServiceRequest,
  operation: string,
  { id, tags }: { readonly id: string; readonly tags: readonly SnapshotTag[] },
): void {
  request.caller.authorize({
    action: `ebs:${operation}`,
    resource: snapshotArn(request.region, id),
    context: resourceTags(tags),
  });
}
