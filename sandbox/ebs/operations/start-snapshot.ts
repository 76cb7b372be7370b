import { readJsonObject, type JsonObject } from '../../server/json-protocol.js';
import type { ServiceRequest } from '../../server/service.js';
import type { Layer } from '../blocks/layers.js';
import { conflict, EbsError, internalError, invalid, snapshotNotFound, tooManyPending } from '../errors.js';
import { forgetDeleted, watchTimeout, type Lifecycle } from '../lifecycle/index.js';
import { readStartRequest, type StartRequest } from '../request/start-request.js';
import { blockBytes } from '../settings.js';
import type { SnapshotFacts } from '../snapshot-port.js';
import type { SnapshotRecord } from '../state/index.js';
import { resourceTags, snapshotArn } from './authorize.js';
import type { Operation } from './operation.js';
import { timestamp } from './paging.js';
import { layersOf, readableSnapshot } from './readable.js';

const operation = 'StartSnapshot';

/** StartSnapshot. Answers `pending`; a request that was answered before gets the same answer again. */
export const startSnapshot: Operation = async ({ request, lifecycle }) => {
  const wanted = readStartRequest(request);
  const { region } = request;
  const parent = wanted.parentId === undefined ? undefined : lifecycle.snapshots.find(region, wanted.parentId);
  authorizeStart(request, wanted, parent);
  const layers = parent?.status.kind === 'completed' ? await layersOf(parent, lifecycle) : [];
  // From here until the snapshot is begun nothing waits: two requests with one client token make one snapshot.
  const earlier = answeredBefore(wanted, region, lifecycle);
  if (earlier !== undefined) {
    await lifecycle.starting.get(earlier.id);
    return { status: 201, body: readJsonObject(Buffer.from(earlier.answer)) };
  }
  checkParent(wanted, region, { parent, lifecycle });
  if (lifecycle.snapshots.pendingCount(region) >= lifecycle.quotas.pendingSnapshots) {
    throw tooManyPending(lifecycle.quotas.pendingSnapshots);
  }
  return { status: 201, body: await begin(request, wanted, { parent, layers, lifecycle }) };
};

/**
 * With a parent, its ARN and its tags are what is asked about; without one there is no snapshot to name yet. Tags need
 * ec2:CreateTags besides.
 */
function authorizeStart(request: ServiceRequest, wanted: StartRequest, parent: SnapshotFacts | undefined): void {
  const { region, caller } = request;
  const { tags, parentId, description } = wanted;
  const asked = {
    ...Object.fromEntries(tags.map(({ key, value }) => [`aws:RequestTag/${key}`, [value]])),
    ...(tags.length === 0 ? {} : { 'aws:TagKeys': tags.map(({ key }) => key) }),
    ...(description === undefined ? {} : { 'ebs:Description': [description] }),
    ...(parentId === undefined ? {} : { 'ebs:ParentSnapshot': [snapshotArn(region, parentId)] }),
    'ebs:VolumeSize': [String(wanted.sizeGiB)],
  };
  caller.authorize({
    action: `ebs:${operation}`,
    resource: snapshotArn(region, parentId ?? 'null'),
    context: { ...resourceTags(parentId === undefined ? tags : (parent?.tags ?? [])), ...asked },
  });
  if (tags.length === 0) return;
  caller.authorize({ action: 'ec2:CreateTags', resource: snapshotArn(region, '*'), context: asked });
}

function answeredBefore(
  { clientToken, fingerprint }: StartRequest,
  region: string,
  { state }: Lifecycle,
): { readonly id: string; readonly answer: string } | undefined {
  if (clientToken === undefined) return undefined;
  const earlier = state.all().find((record) => record.region === region && record.idempotency?.token === clientToken);
  if (earlier?.idempotency === undefined || earlier.idempotency === null) return undefined;
  if (earlier.idempotency.fingerprint !== fingerprint) throw conflict();
  return { id: earlier.id, answer: earlier.idempotency.answer };
}

function checkParent(
  { parentId, sizeGiB }: StartRequest,
  region: string,
  { parent, lifecycle }: { readonly parent: SnapshotFacts | undefined; readonly lifecycle: Lifecycle },
): void {
  if (parentId === undefined) return;
  if (parent?.isOwn !== true || parent.status.kind === 'error') throw snapshotNotFound(parentId);
  try {
    readableSnapshot(region, parentId, lifecycle);
  } catch (error) {
    if (!(error instanceof EbsError)) throw error;
    throw invalid('INVALID_SNAPSHOT_ID', `Source snapshot (${parentId}) is not complete.`);
  }
  if (sizeGiB < parent.sizeGiB) {
    throw invalid('INVALID_VOLUME_SIZE', `Volume size must be at least ${parent.sizeGiB} GiB, that of the parent.`);
  }
}

/** What a snapshot is made from, and with. */
interface Basis {
  readonly parent: SnapshotFacts | undefined;
  /** Of the parent. */
  readonly layers: readonly Layer[];
  readonly lifecycle: Lifecycle;
}

async function begin(request: ServiceRequest, wanted: StartRequest, basis: Basis): Promise<JsonObject> {
  const { parent, layers, lifecycle } = basis;
  const { clock, delays, snapshots, state } = lifecycle;
  const { region } = request;
  const encrypted = parent?.encrypted ?? (wanted.encrypted === true || wanted.kmsKeyArn !== undefined);
  const ownKey = wanted.kmsKeyArn ?? defaultKey(region, snapshots.accountId);
  const snapshot = snapshots.start(region, {
    sizeGiB: wanted.sizeGiB,
    description: wanted.description ?? '',
    encrypted,
    kmsKeyId: encrypted ? (parent?.kmsKeyId ?? ownKey) : null,
    tags: wanted.tags,
  });
  const answer = answerOf(snapshot, wanted, snapshots.accountId);
  const record: SnapshotRecord = {
    id: snapshot.id,
    region,
    sizeGiB: wanted.sizeGiB,
    encrypted,
    parentId: parent?.id ?? null,
    ancestors: parent === undefined ? [] : [parent.id, ...parent.ancestors, ...(state.get(parent.id)?.ancestors ?? [])],
    inherited: layers.map(({ kind, snapshotId }) => ({ kind, snapshotId })),
    timeoutMinutes: wanted.timeoutMinutes,
    visibleAtMs: clock.now() + delays.invisibleMs,
    activeAtMs: clock.now(),
    idempotency:
      wanted.clientToken === undefined
        ? null
        : { token: wanted.clientToken, fingerprint: wanted.fingerprint, answer: JSON.stringify(answer) },
    progress: { kind: 'open' },
  };
  state.put(record);
  const made = makeFiles(record, basis).finally(() => lifecycle.starting.delete(record.id));
  lifecycle.starting.set(record.id, made);
  await made;
  watchTimeout(record, lifecycle);
  return answer;
}

async function makeFiles(record: SnapshotRecord, { parent, layers, lifecycle }: Basis): Promise<void> {
  const { files, snapshots, state } = lifecycle;
  try {
    await forgetDeleted(lifecycle);
    await files.create(record, parent && { file: snapshots.file(parent.id), layers });
  } catch (error) {
    state.remove(record.id);
    await snapshots.fail(record.region, record.id, 'The sandbox could not make its files.');
    throw internalError('The sandbox could not make the files of the snapshot.', error);
  }
  await Promise.all([state.save(), snapshots.save()]);
}

function answerOf(snapshot: SnapshotFacts, wanted: StartRequest, accountId: string): JsonObject {
  return {
    BlockSize: blockBytes,
    Description: wanted.description ?? null,
    KmsKeyArn: snapshot.kmsKeyId,
    OwnerId: accountId,
    ParentSnapshotId: wanted.parentId ?? null,
    SnapshotId: snapshot.id,
    SseType: null,
    StartTime: timestamp(snapshot.startedAtMs),
    Status: 'pending',
    Tags: wanted.tags.map(({ key, value }) => ({ Key: key, Value: value })),
    VolumeSize: wanted.sizeGiB,
  };
}

/** Stands for the key that `aws/ebs` names; there is no KMS here. */
function defaultKey(region: string, accountId: string): string {
  return `arn:aws:kms:${region}:${accountId}:key/00000000-0000-4000-8000-0000000000eb`;
}
