import type { AppError } from '../../core/index.js';
import {
  abortProbe,
  beginProbe,
  deleteProbe,
  hasConditionalWrites,
  listProbeParts,
  listUploads,
  readProbe,
  writeProbe,
  type ObjectStore,
  type WrittenProbe,
} from '../../store/index.js';
import { attempt, failureOf, findingsOf, reasonOf, type Attempt, type Finding } from './finding.js';
import { usedPermission } from './permission.js';

/** How the probes are named and ended. */
export interface ProbeOptions {
  /** Unique for this run. */
  readonly runId: string;
  readonly signal: AbortSignal;
}

const findings = findingsOf('bucket');
const used = (permission: string, error?: AppError): Finding => usedPermission(findings, { permission, error });

/** The permissions of a bucket other than s3:ListBucket, in the order in which they are told. */
const permissions = {
  uploads: 's3:ListBucketMultipartUploads',
  delete: 's3:DeleteObject',
  put: 's3:PutObject',
  tag: 's3:PutObjectTagging',
  get: 's3:GetObject',
  abort: 's3:AbortMultipartUpload',
  parts: 's3:ListMultipartUploadParts',
} as const;
const conditional = 'conditional-writes';
const cannotBegin = 'no upload can be begun';
/** Probes are removed also when the command was interrupted. */
const neverAborted = new AbortController().signal;

/** The findings where nothing can be tried on a bucket. */
export function* bucketPermissionsNotChecked(because: string): Generator<Finding> {
  for (const check of [...Object.values(permissions), conditional]) yield findings.notChecked(check, because);
}

/**
 * Uses each permission for real, on an object below `.snap-to-s3/` and an upload among the archives that bears no
 * snapshot's name. Both are removed again; where that is not allowed, they are not even made.
 */
export async function* checkBucketPermissions(store: ObjectStore, options: ProbeOptions): AsyncGenerator<Finding> {
  const { signal } = options;
  yield used(permissions.uploads, await failureOf(() => listUploads(store, signal), signal));
  const put = yield* checkObject(store, options);
  yield* checkUpload(store, put, options);
}

/** Returns whether an object could be written; undefined where it was not tried. */
async function* checkObject(
  store: ObjectStore,
  { runId, signal }: ProbeOptions,
): AsyncGenerator<Finding, boolean | undefined> {
  const key = `.snap-to-s3/probe-${runId}`;
  // There is no such object yet; what may not be deleted would stay.
  const mayDelete = await failureOf(() => deleteProbe(store, key), signal);
  if (mayDelete !== undefined) {
    yield used(permissions.delete, mayDelete);
    const because = `a probe object could not be removed again without ${permissions.delete}`;
    for (const check of [permissions.tag, permissions.get, conditional]) yield findings.notChecked(check, because);
    return undefined;
  }
  let put: Attempt<WrittenProbe>;
  let tag: AppError | undefined;
  let get: AppError | undefined;
  let removed: AppError | undefined;
  try {
    // Not cancelled: S3 might write it after it was deleted.
    put = await attempt(() => writeProbe(store, key), signal);
    if (put.error === undefined) {
      tag = await failureOf(() => writeProbe(store, key, { tagging: 'snap-to-s3=probe' }), signal);
      get = await failureOf(() => readProbe(store, key, signal), signal);
    }
  } finally {
    removed = await failureOf(() => deleteProbe(store, key), neverAborted);
  }
  yield used(permissions.delete, removed);
  if (put.error !== undefined) {
    yield used(permissions.put, put.error);
    const because = 'no probe object could be written';
    for (const check of [permissions.tag, permissions.get, conditional]) yield findings.notChecked(check, because);
    return false;
  }
  yield used(permissions.tag, tag);
  yield used(permissions.get, get);
  yield get === undefined
    ? await checkConditionalWrites(store, { key, signal })
    : findings.notChecked(conditional, `writing under a condition needs ${permissions.get} too`);
  yield noteOf(put.value);
  return true;
}

async function checkConditionalWrites(
  store: ObjectStore,
  { key, signal }: { readonly key: string; readonly signal: AbortSignal },
): Promise<Finding> {
  const { value: works, error } = await attempt(() => hasConditionalWrites(store, key, signal), signal);
  if (error !== undefined) return findings.failed(conditional, reasonOf(error), error.hint);
  if (works) return findings.ok(conditional, 'Conditional writes work: two runs cannot have the same snapshot.');
  return findings.warning(
    conditional,
    'This store has no conditional writes: two runs at once are kept apart by tags only, and what a run leaves that dies is not found.',
    'Do not run migrate twice at the same time on the same snapshots.',
  );
}

/** What the answers to the probe tell of the bucket, without any permission for it. */
function noteOf({ isVersioned, encryption }: WrittenProbe): Finding {
  const notes = [
    isVersioned
      ? 'The bucket keeps old versions: what is overwritten or deleted stays there, and is paid for, until a lifecycle rule removes it.'
      : 'The bucket keeps no old versions.',
    ...(encryption === undefined ? [] : [`Objects are encrypted with ${encryption} unless --sse says otherwise.`]),
  ];
  return findings.ok('bucket-settings', notes.join(' '));
}

async function* checkUpload(
  store: ObjectStore,
  put: boolean | undefined,
  { runId, signal }: ProbeOptions,
): AsyncGenerator<Finding> {
  const key = `vol-ffffffff/snap-to-s3-probe-${runId}`;
  // There is no such upload; one that may not be aborted would stay.
  const mayAbort = await failureOf(() => abortProbe(store, { key, uploadId: 'none' }), signal);
  if (put === false) {
    yield mayAbort === undefined
      ? findings.notChecked(permissions.abort, cannotBegin)
      : used(permissions.abort, mayAbort);
    yield findings.notChecked(permissions.parts, cannotBegin);
    return;
  }
  if (mayAbort !== undefined) {
    const because = `a probe upload could not be removed again without ${permissions.abort}`;
    yield put === true ? used(permissions.put) : findings.notChecked(permissions.put, because);
    yield used(permissions.abort, mayAbort);
    yield findings.notChecked(permissions.parts, because);
    return;
  }
  const begun = await attempt(() => beginProbe(store, key), signal);
  if (begun.error !== undefined) {
    yield used(permissions.put, begun.error);
    yield* [permissions.abort, permissions.parts].map((check) => findings.notChecked(check, cannotBegin));
    return;
  }
  const upload = { key, uploadId: begun.value };
  let parts: AppError | undefined;
  let aborted: AppError | undefined;
  try {
    parts = await failureOf(() => listProbeParts(store, upload, signal), signal);
  } finally {
    aborted = await failureOf(() => abortProbe(store, upload), neverAborted);
  }
  yield used(permissions.put);
  yield used(permissions.abort, aborted);
  yield used(permissions.parts, parts);
}
