import { onNewVolume, onSnapshot } from '../access/index.js';
import { volumeAnswer } from '../answers/index.js';
import { Ec2Error, invalidParameterValue } from '../errors.js';
import { newId } from '../ids.js';
import { continueCreating } from '../lifecycle/index.js';
import { zonesOf } from '../places.js';
import type { Snapshot, Volume } from '../state/index.js';
import { volumeEncryption } from './encryption.js';
import { operation, type OperationContext } from './operation.js';
import { snapshotOf } from './resources.js';
import { checkUsable } from './usable-snapshot.js';
import { checkSize, fingerprintOf, readVolumeRequest, type VolumeRequest } from './volume-request.js';

/** CreateVolume. Answers `creating`; the bytes of a snapshot are copied afterwards. */
export const createVolume = operation({
  parse: readVolumeRequest,
  access: (request, context) => {
    const snapshot = sourceOf(request, context);
    const traits = createdBefore(request, context) ?? planned(request, snapshot, context);
    return [
      ...onNewVolume('CreateVolume', traits, { context, tags: request.tags }),
      ...(snapshot === undefined ? [] : [onSnapshot('CreateVolume', snapshot, { context })]),
    ];
  },
  perform: async (request, context) => {
    const { region, lifecycle } = context;
    const earlier = createdBefore(request, context);
    if (earlier !== undefined) return volumeAnswer(earlier);
    const snapshot = sourceOf(request, context);
    if (snapshot !== undefined) checkUsable(snapshot, context);
    const volume: Volume = {
      ...planned(request, snapshot, context),
      id: newId('volume'),
      sequence: lifecycle.state.nextSequence(),
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

type Plan = Omit<Volume, 'id' | 'sequence' | 'createdAtMs' | 'idempotency' | 'tags' | 'status'>;

/** What the volume will be. Throws for a zone that is not there and a size that cannot be. */
function planned(request: VolumeRequest, snapshot: Snapshot | undefined, context: OperationContext): Plan {
  const { volumeType, encryption } = request;
  return {
    zone: zoneName(request, context.region.name),
    sizeGiB: sizeOf(request, snapshot),
    snapshotId: snapshot?.id ?? '',
    volumeType,
    iops: request.iops ?? (volumeType === 'gp3' ? 3000 : null),
    throughput: request.throughput ?? (volumeType === 'gp3' ? 125 : null),
    ...volumeEncryption(encryption, snapshot, context),
  };
}

function sourceOf({ snapshotId }: VolumeRequest, context: OperationContext): Snapshot | undefined {
  return snapshotId === undefined ? undefined : snapshotOf(snapshotId, context);
}

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
