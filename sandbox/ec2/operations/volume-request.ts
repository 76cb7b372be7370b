import {
  Ec2Error,
  invalidParameterCombination,
  invalidParameterValue,
  missingParameter,
  notImplemented,
} from '../errors.js';
import { checkId } from '../ids.js';
import { readTagSpecification, type Parameters } from '../query/index.js';
import type { Tag } from '../state/index.js';
import { readEncryption, type EncryptionRequest } from './encryption.js';

/** What CreateVolume asks for. */
export interface VolumeRequest {
  readonly zone: { readonly kind: 'name' | 'id'; readonly value: string };
  /** Undefined: that of the snapshot. */
  readonly sizeGiB: number | undefined;
  readonly snapshotId: string | undefined;
  readonly volumeType: string;
  readonly iops: number | undefined;
  readonly throughput: number | undefined;
  readonly encryption: EncryptionRequest;
  readonly clientToken: string | undefined;
  readonly tags: readonly Tag[];
}

/** Smallest and largest volumes in GiB, by type, as the CreateVolume reference lists them. */
const sizes: Readonly<Record<string, readonly [least: number, most: number]>> = {
  gp2: [1, 16_384],
  gp3: [1, 65_536],
  io1: [4, 16_384],
  io2: [4, 65_536],
  sc1: [125, 16_384],
  st1: [125, 16_384],
  standard: [1, 1_024],
};

/** Reads the parameters of CreateVolume. */
export function readVolumeRequest(parameters: Parameters): VolumeRequest {
  for (const name of ['OutpostArn', 'VolumeInitializationRate', 'Operator.Principal']) {
    if (parameters.text(name) !== undefined) throw notImplemented(`CreateVolume with ${name}`);
  }
  if (parameters.flag('MultiAttachEnabled')) throw notImplemented('CreateVolume with MultiAttachEnabled');
  const snapshotId = parameters.text('SnapshotId');
  const request: VolumeRequest = {
    zone: readZone(parameters),
    sizeGiB: parameters.integer('Size'),
    snapshotId:
      snapshotId === undefined || snapshotId === '' ? undefined : checkId('snapshot', snapshotId, 'snapshotId'),
    volumeType: parameters.text('VolumeType') ?? 'gp2',
    iops: parameters.integer('Iops'),
    throughput: parameters.integer('Throughput'),
    encryption: readEncryption(parameters),
    clientToken: parameters.text('ClientToken'),
    tags: readTagSpecification(parameters, 'volume'),
  };
  checkType(request);
  return request;
}

/** Checks a size against the type. Throws `InvalidParameterValue`. */
export function checkSize(sizeGiB: number, volumeType: string): void {
  const [least, most] = sizes[volumeType] ?? [1, 1];
  if (sizeGiB < least || sizeGiB > most) {
    throw invalidParameterValue(
      `Volume of ${sizeGiB}GiB is invalid; must be between ${least} and ${most}GiB for volume type ${volumeType}.`,
    );
  }
}

/** Tells requests apart that come with the same client token. */
export function fingerprintOf({ clientToken: _, ...rest }: VolumeRequest): string {
  return JSON.stringify(rest);
}

function readZone(parameters: Parameters): VolumeRequest['zone'] {
  const name = parameters.text('AvailabilityZone');
  const id = parameters.text('AvailabilityZoneId');
  if (name !== undefined && id !== undefined) {
    throw invalidParameterCombination('Either AvailabilityZone or AvailabilityZoneId can be given, not both.');
  }
  if (name !== undefined) return { kind: 'name', value: name };
  if (id !== undefined) return { kind: 'id', value: id };
  throw missingParameter('availabilityZone');
}

function checkType({ iops, snapshotId, sizeGiB, throughput, volumeType }: VolumeRequest): void {
  if (!Object.hasOwn(sizes, volumeType)) {
    throw new Ec2Error('UnknownVolumeType', `Unsupported volume type '${volumeType}' for volume creation.`);
  }
  if (snapshotId === undefined && sizeGiB === undefined) throw missingParameter('size/snapshot');
  if (/^io/.test(volumeType) && iops === undefined) throw missingParameter('iops');
  if (iops !== undefined && !/^(?:io[12]|gp3)$/.test(volumeType)) {
    throw new Ec2Error('InvalidParameterCombination', `The parameter iops is not supported for ${volumeType} volumes.`);
  }
  if (throughput !== undefined && volumeType !== 'gp3') {
    throw new Ec2Error(
      'InvalidParameterCombination',
      `The parameter throughput is not supported for ${volumeType} volumes.`,
    );
  }
}
