import { volumeAnswer } from '../answers/index.js';
import { Ec2Error, incorrectState, invalidParameterValue } from '../errors.js';
import { newId } from '../ids.js';
import { continueCreating } from '../lifecycle/index.js';
import { zonesOf } from '../places.js';
import type { Snapshot, Volume } from '../state/index.js';
import { operation, type OperationContext } from './operation.js';
import { snapshotOf } from './resources.js';
import { checkSize, fingerprintOf, readVolumeRequest, type VolumeRequest } from './volume-request.js';

/** CreateVolume. Answers `creating`; the bytes of a snapshot are copied afterwards. */
export const createVolume = operation({
  parse: readVolumeRequest,
  perform: async (request, context) => {
    const { region, lifecycle } = context;
    const earlier = createdBefore(request, context);
    if (earlier !== undefined) return volumeAnswer(earlier);
    const zone = zoneName(request, region.name);
    const snapshot = request.snapshotId === undefined ? undefined : completedSnapshot(request.snapshotId, context);
    const volume: Volume = {
      id: newId('volume'),
      sequence: lifecycle.state.nextSequence(),
      zone,
      sizeGiB: sizeOf(request, snapshot),
      snapshotId: snapshot?.id ?? '',
      volumeType: request.volumeType,
      iops: request.iops ?? (request.volumeType === 'gp3' ? 3000 : null),
      throughput: request.throughput ?? (request.volumeType === 'gp3' ? 125 : null),
      // A volume of an encrypted snapshot is encrypted, asked or not.
      encrypted: request.encrypted || snapshot?.encrypted === true,
      kmsKeyId: request.kmsKeyId ?? snapshot?.kmsKeyId ?? null,
      createdAtMs: lifecycle.clock.now(),
      idempotency:
        request.clientToken === undefined ? null : { token: request.clientToken, fingerprint: fingerprintOf(request) },
      tags: request.tags,
      status: { kind: 'creating' },
    };
    region.putVolume(volume);
    continueCreating(volume, region, lifecycle);
    await lifecycle.state.save();
    return volumeAnswer(volume);
  },
});

/** What an earlier request with the same client token made. Throws `IdempotentParameterMismatch`. */
function createdBefore(request: VolumeRequest, { region }: OperationContext): Volume | undefined {
  if (request.clientToken === undefined) return undefined;
  const earlier = [...region.volumes.values()].find(({ idempotency }) => idempotency?.token === request.clientToken);
  if (earlier !== undefined && earlier.idempotency?.fingerprint !== fingerprintOf(request)) {
    throw new Ec2Error(
      'IdempotentParameterMismatch',
      'The client token you have provided is associated with a resource whose parameters differ from those of this request.',
    );
  }
  return earlier;
}

function zoneName({ zone }: VolumeRequest, region: string): string {
  const found = zonesOf(region).find(({ name, id }) => (zone.kind === 'name' ? name : id) === zone.value);
  if (found === undefined) throw new Ec2Error('InvalidZone.NotFound', `The zone '${zone.value}' does not exist.`);
  return found.name;
}

function completedSnapshot(id: string, context: OperationContext): Snapshot {
  const snapshot = snapshotOf(id, context);
  if (snapshot.status.kind === 'completed') return snapshot;
  throw incorrectState(`Snapshot is in invalid state - ${snapshot.status.kind}`);
}

function sizeOf(request: VolumeRequest, snapshot: Snapshot | undefined): number {
  const sizeGiB = request.sizeGiB ?? snapshot?.sizeGiB ?? 0;
  if (snapshot !== undefined && sizeGiB < snapshot.sizeGiB) {
    throw invalidParameterValue(
      `Volume of ${sizeGiB}GiB is smaller than snapshot '${snapshot.id}', expect size >= ${snapshot.sizeGiB}GiB`,
    );
  }
  checkSize(sizeGiB, request.volumeType);
  return sizeGiB;
}
