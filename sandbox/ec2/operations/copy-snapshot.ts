import { onNewCopy, onSnapshot } from '../access/index.js';
import { tagSet } from '../answers/index.js';
import { invalidParameterValue, notImplemented, resourceLimitExceeded } from '../errors.js';
import { checkId, newId } from '../ids.js';
import { copySnapshot as fillCopy } from '../lifecycle/index.js';
import { isEnabled } from '../places.js';
import { readTagSpecification, type Parameters } from '../query/index.js';
import type { Region, Snapshot } from '../state/index.js';
import { copyEncryption, readEncryption } from './encryption.js';
import { operation, type OperationContext } from './operation.js';
import { accountOf, snapshotOf } from './resources.js';
import { checkUsable } from './usable-snapshot.js';

/** "Each account can have up to 20 concurrent snapshot copy requests to a single destination Region" (EBS User Guide). */
const mostCopies = 20;

/** What a copy has for a volume: "an arbitrary volume ID that should not be used for any purpose". */
const noVolume = 'vol-ffffffff';

/** CopySnapshot, into the region of the request. The copy is `pending` at first; tags of the source do not come along. */
export const copySnapshot = operation({
  parse: (parameters) => {
    for (const name of ['CompletionDurationMinutes', 'DestinationOutpostArn', 'DestinationAvailabilityZone']) {
      if (parameters.text(name) !== undefined) throw notImplemented(`CopySnapshot with ${name}`);
    }
    return {
      sourceRegion: sourceRegionIn(parameters),
      sourceId: checkId('snapshot', parameters.required('SourceSnapshotId'), 'sourceSnapshotId'),
      ...presignedIn(parameters),
      description: parameters.text('Description') ?? '',
      encryption: readEncryption(parameters),
      tags: readTagSpecification(parameters, 'snapshot'),
    };
  },
  access: (request, context) => {
    const source = sourceOf(request, context);
    const { encrypted } = copyEncryption(request.encryption, source, context);
    const from = { snapshot: source, region: request.sourceRegion };
    return [
      ...onNewCopy('CopySnapshot', from, { context, encrypted, tags: request.tags }),
      onSnapshot('CopySnapshot', source, { context, region: request.sourceRegion }),
    ];
  },
  perform: async (request, context) => {
    const { region, lifecycle } = context;
    const source = sourceOf(request, context);
    checkPresigned(request, context);
    checkUsable(source, context);
    checkRoom(region);
    const copy: Snapshot = {
      id: newId('snapshot'),
      sequence: lifecycle.state.nextSequence(),
      owner: { accountId: accountOf(context), alias: null },
      origin: 'copy',
      volumeId: noVolume,
      sizeGiB: source.sizeGiB,
      description: request.description,
      ...copyEncryption(request.encryption, source, context),
      startedAtMs: lifecycle.clock.now(),
      tags: request.tags,
      sharing: { everyone: false, accountIds: [] },
      tier: { kind: 'standard' },
      status: { kind: 'pending', afterwards: 'keep' },
    };
    region.putSnapshot(copy);
    fillCopy(copy, region, { sourceId: source.id, lifecycle });
    await lifecycle.state.save();
    return { snapshotId: copy.id, tagSet: tagSet(copy.tags) };
  },
});

interface CopyRequest {
  readonly sourceRegion: string;
  readonly sourceId: string;
  readonly presigned: URLSearchParams | undefined;
  readonly destinationRegion: string | undefined;
}

function sourceOf({ sourceRegion, sourceId }: CopyRequest, { lifecycle }: OperationContext): Snapshot {
  return snapshotOf(sourceId, { region: lifecycle.state.region(sourceRegion), lifecycle });
}

function sourceRegionIn(parameters: Parameters): string {
  const region = parameters.required('SourceRegion');
  if (isEnabled(region)) return region;
  throw invalidParameterValue(`Value (${region}) for parameter sourceRegion is invalid.`);
}

/** What SDKs add by themselves: a presigned CopySnapshot to the source region, and the destination that is in it. */
function presignedIn(parameters: Parameters): Pick<CopyRequest, 'presigned' | 'destinationRegion'> {
  const url = parameters.text('PresignedUrl');
  const destinationRegion = parameters.text('DestinationRegion');
  if (url === undefined) return { presigned: undefined, destinationRegion };
  if (!URL.canParse(url)) throw invalidParameterValue(`Value (${url}) for parameter presignedUrl is invalid.`);
  return { presigned: new URL(url).searchParams, destinationRegion };
}

/** The signature is not looked at; what was signed must be this very copy. */
function checkPresigned(request: CopyRequest, { region }: OperationContext): void {
  const { destinationRegion = region.name, presigned } = request;
  const signed = [
    ['destinationRegion', destinationRegion, region.name],
    ['presignedUrl', presigned?.get('SourceSnapshotId') ?? request.sourceId, request.sourceId],
    ['presignedUrl', presigned?.get('SourceRegion') ?? request.sourceRegion, request.sourceRegion],
    ['presignedUrl', presigned?.get('DestinationRegion') ?? region.name, region.name],
  ] as const;
  for (const [name, given, expected] of signed) {
    if (given !== expected) {
      throw invalidParameterValue(`Parameter ${name} names ${given}, and the request is about ${expected}.`);
    }
  }
}

function checkRoom(region: Region): void {
  let copies = 0;
  for (const { origin, status } of region.snapshots.values()) {
    if (origin === 'copy' && status.kind === 'pending') copies += 1;
  }
  if (copies < mostCopies) return;
  throw resourceLimitExceeded(
    `Too many snapshot copies in progress. The limit is ${mostCopies} for this destination region.`,
  );
}
