import { toAppError } from '../../core/index.js';
import type { Caller } from '../../source/index.js';
import { bucketRegion, type ObjectStore } from '../../store/index.js';
import { failureOf, findingsOf, reasonOf, type Finding } from './finding.js';
import { usedPermission } from './permission.js';

/** What the bucket is compared with. */
export interface BucketOptions {
  /** Where the volumes are, and the bytes come from. */
  readonly region: string;
  /** Whose bucket it should be, if known. */
  readonly caller: Caller | undefined;
  readonly signal: AbortSignal;
}

const findings = findingsOf('bucket');
const listing = 's3:ListBucket';

/** Looks whether the bucket is there, whose it is, and where. Returns whether anything can be tried on it. */
export async function* checkBucket(
  store: ObjectStore,
  { region, caller, signal }: BucketOptions,
): AsyncGenerator<Finding, boolean> {
  const { bucket } = store;
  let where: string | undefined;
  try {
    where = await bucketRegion(store, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const appError = toAppError(error);
    if (appError.code === 'access-denied') {
      yield findings.unknown(
        'bucket',
        `The bucket ${bucket} is there, but it is another account's, or may not be listed.`,
      );
      yield findings.notChecked('bucket-region', 's3:ListBucket is not allowed');
      yield usedPermission(findings, { permission: listing, error: appError });
      return true;
    }
    yield appError.code === 'not-found'
      ? findings.failed(
          'bucket',
          `The bucket ${bucket} does not exist.`,
          `Create it in the region of your snapshots: aws s3 mb s3://${bucket} --region ${region}`,
        )
      : findings.failed('bucket', `The bucket ${bucket} cannot be reached. ${reasonOf(error)}`, appError.hint);
    return false;
  }
  yield await checkOwner(store, caller, signal);
  yield checkRegion(store, { region, where });
  yield usedPermission(findings, { permission: listing, error: undefined });
  return true;
}

async function checkOwner(store: ObjectStore, caller: Caller | undefined, signal: AbortSignal): Promise<Finding> {
  const there = `The bucket ${store.bucket} is there`;
  if (caller === undefined) return findings.ok('bucket', `${there}; whose it is is not known.`);
  const refusal = await failureOf(() => bucketRegion(store, { ownedBy: caller.accountId, signal }), signal);
  if (refusal === undefined) return findings.ok('bucket', `${there}, and belongs to this account.`);
  if (refusal.code !== 'access-denied') return findings.unknown('bucket', `${there}. ${reasonOf(refusal)}`);
  return findings.warning(
    'bucket',
    `${there}, but does not belong to account ${caller.accountId}: its owner can read and delete the archives.`,
    'Check the name; and if another account is meant to have the archives, that it keeps them.',
  );
}

function checkRegion(
  { bucket }: ObjectStore,
  { region, where }: { readonly region: string; readonly where: string | undefined },
): Finding {
  const check = 'bucket-region';
  if (where === undefined) return findings.unknown(check, `The store does not say in which region ${bucket} is.`);
  if (where === region) return findings.ok(check, `The bucket is in ${region}, where the volumes are.`);
  return findings.warning(
    check,
    `The bucket is in ${where} and the volumes in ${region}: every byte costs the transfer between regions, usually $0.02 a GB.`,
    `Use a bucket in ${region}, unless the archives are meant to be far away.`,
  );
}
