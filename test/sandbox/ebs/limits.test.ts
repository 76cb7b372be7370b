import { ListSnapshotBlocksCommand, StartSnapshotCommand, type EBSClient } from '@aws-sdk/client-ebs';
import { describe, expect, it } from 'vitest';
import { defaultQuotas } from '../../../sandbox/ebs/index.js';
import type { Access } from '../../../sandbox/server/caller.js';
import type { Stage } from '../../../sandbox/server/pipeline.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import {
  allBlocks,
  begin,
  blockOf,
  complete,
  completedSnapshot,
  ebsClientOf,
  failure,
  get,
  movableClock,
  put,
  snapshotOfVolumeWith,
  startEbs,
  volumeWith,
  written,
} from './support.js';

/** Sends so many requests and tells how many were answered, and the errors of the others. */
async function flood(count: number, send: () => Promise<unknown>) {
  const outcomes = await Promise.all(
    Array.from({ length: count }, () =>
      send().then(
        () => 'answered',
        (error: unknown) => {
          const { name, Reason, $metadata } = error as {
            name: string;
            Reason?: string;
            $metadata: { httpStatusCode?: number };
          };
          return [name, $metadata.httpStatusCode, Reason].filter((part) => part !== undefined).join(' ');
        },
      ),
    ),
  );
  const answered = outcomes.filter((outcome) => outcome === 'answered').length;
  return { answered, errors: [...new Set(outcomes.filter((outcome) => outcome !== 'answered'))] };
}

const list = (ebs: EBSClient, SnapshotId: string) => ebs.send(new ListSnapshotBlocksCommand({ SnapshotId }));

describe('quotas', () => {
  it('are those of a new account', () => {
    expect(defaultQuotas).toEqual({
      getSnapshotBlock: 1_000,
      putSnapshotBlock: 1_000,
      listSnapshotBlocks: 50,
      listChangedBlocks: 50,
      startSnapshot: 10,
      completeSnapshot: 10,
      getSnapshotBlockOfSnapshot: 1_000,
      putSnapshotBlockOfSnapshot: 1_000,
      pendingSnapshots: 100,
    });
  });

  it('let through what a second holds, and as much again a second later; the account gets ThrottlingException', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, quotas: { listSnapshotBlocks: 50 } });
    const id = await snapshotOfVolumeWith(test, []);
    const throttled = { answered: 50, errors: ['ThrottlingException 400'] };
    expect(await flood(70, () => list(test.ebs, id))).toEqual(throttled);
    clock.advance(500);
    expect(await flood(70, () => list(test.ebs, id))).toEqual({ ...throttled, answered: 25 });
    clock.advance(60_000);
    expect(await flood(70, () => list(test.ebs, id))).toEqual(throttled);
    // Another region has its own.
    const elsewhere = ebsClientOf(test.url, 'eu-west-1');
    expect((await failure(list(elsewhere, id))).code).toBe('ResourceNotFoundException');
  });

  it('of one snapshot are RequestThrottledException, and no other snapshot has to wait', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, quotas: { getSnapshotBlockOfSnapshot: 5, putSnapshotBlockOfSnapshot: 3 } });
    const [one, other] = [
      await snapshotOfVolumeWith(test, [[0, blockOf(1)]]),
      await snapshotOfVolumeWith(test, [[0, blockOf(1)]]),
    ];
    const [block = {}] = await allBlocks(test.ebs, one);
    const error = 'RequestThrottledException 400 RESOURCE_LEVEL_THROTTLE';
    expect(await flood(8, () => get(test.ebs, one, block))).toEqual({ answered: 5, errors: [error] });
    const [another = {}] = await allBlocks(test.ebs, other);
    expect(await flood(5, () => get(test.ebs, other, another))).toEqual({ answered: 5, errors: [] });
    const id = await begin(test.ebs);
    let index = 0;
    expect(await flood(4, () => put(test.ebs, id, [index++, blockOf(1)]))).toEqual({ answered: 3, errors: [error] });
    clock.advance(1_000);
    // Which of the four was refused nobody can say: they were sent at once.
    await put(test.ebs, id, [4, blockOf(1)]);
    await complete(test, id, { ChangedBlocksCount: 4 });
  });

  it('hold back Get, Put, Start and Complete of an account each for itself', async () => {
    const clock = movableClock();
    const one = { getSnapshotBlock: 1, putSnapshotBlock: 1, startSnapshot: 1, completeSnapshot: 1 };
    const test = await startEbs({ clock, quotas: one });
    const throttled = { answered: 1, errors: ['ThrottlingException 400'] };
    const id = await begin(test.ebs);
    await put(test.ebs, id, [0, blockOf(1)]);
    await complete(test, id, { ChangedBlocksCount: 1 });
    const [block = {}] = await allBlocks(test.ebs, id);
    await get(test.ebs, id, block);
    clock.advance(1_000);
    expect(await flood(3, () => test.ebs.send(new StartSnapshotCommand({ VolumeSize: 1 })))).toEqual(throttled);
    expect(await flood(3, () => get(test.ebs, id, block))).toEqual(throttled);
  });

  it('of pending snapshots are ServiceQuotaExceededException', async () => {
    const test = await startEbs({ quotas: { pendingSnapshots: 2 } });
    const first = await begin(test.ebs);
    await begin(test.ebs);
    expect(await flood(1, () => begin(test.ebs))).toEqual({
      answered: 0,
      errors: ['ServiceQuotaExceededException 402 DEPENDENCY_SERVICE_QUOTA_EXCEEDED'],
    });
    await complete(test, first, { ChangedBlocksCount: 0 });
    await begin(test.ebs);
  });
});

describe('policies', () => {
  it('are asked about each operation, with its snapshot and its conditions', async () => {
    const asked: Access[] = [];
    const listening: Stage = async (exchange, next) => {
      const caller = { ...exchange.request.caller, authorize: (access: Access) => void asked.push(access) };
      await next({ ...exchange, request: { ...exchange.request, caller } });
    };
    const test = await startEbs({ stages: [listening] });
    const of = (id: string) => `arn:aws:ec2:us-east-1::snapshot/${id}`;
    const Tags = [{ Key: 'Name', Value: 'x' }];
    const parent = await written(test, [[0, blockOf(1)]], { Tags, Description: 'd', VolumeSize: 2 });
    const conditions = {
      'aws:RequestTag/Name': ['x'],
      'aws:TagKeys': ['Name'],
      'ebs:Description': ['d'],
      'ebs:VolumeSize': ['2'],
    };
    const tagged = { 'aws:ResourceTag/Name': ['x'] };
    expect(asked.filter(({ action }) => action.startsWith('ebs:') || action === 'ec2:CreateTags')).toEqual([
      { action: 'ebs:StartSnapshot', resource: of('null'), context: { ...tagged, ...conditions } },
      { action: 'ec2:CreateTags', resource: of('*'), context: conditions },
      { action: 'ebs:PutSnapshotBlock', resource: of(parent), context: tagged },
      { action: 'ebs:CompleteSnapshot', resource: of(parent), context: tagged },
    ]);
    asked.length = 0;
    const child = await begin(test.ebs, { ParentSnapshotId: parent, VolumeSize: 2 });
    const [block = {}] = await allBlocks(test.ebs, parent);
    await get(test.ebs, parent, block);
    expect(asked).toEqual([
      {
        action: 'ebs:StartSnapshot',
        resource: of(parent),
        context: { ...tagged, 'ebs:ParentSnapshot': [of(parent)], 'ebs:VolumeSize': ['2'] },
      },
      { action: 'ebs:ListSnapshotBlocks', resource: of(parent), context: tagged },
      { action: 'ebs:GetSnapshotBlock', resource: of(parent), context: tagged },
    ]);
    expect(child).toMatch(/^snap-/);
  });

  it('that do not allow it are AccessDeniedException; other refusals have the names that SDKs know', async () => {
    let kind: Refusal['kind'] = 'access-denied';
    const refusing: Stage = async ({ service, request }, _next) => {
      await Promise.resolve();
      if (service.signingName === 'ebs') throw new Refusal(kind, `${request.caller.arn} may not.`);
    };
    const test = await startEbs({ stages: [refusing] });
    const refusal = () => failure(list(test.ebs, 'snap-0123456789abcdef0'));
    expect(await refusal()).toEqual({
      code: 'AccessDeniedException',
      status: 403,
      message: 'arn:aws:iam::123456789012:root may not.',
    });
    const codes: unknown[] = [];
    for (kind of ['unknown-key', 'wrong-signature', 'expired-token', 'throttled', 'internal-error'] as const) {
      const { code, status } = await refusal();
      codes.push([code, status]);
    }
    expect(codes).toEqual([
      ['UnrecognizedClientException', 403],
      ['InvalidSignatureException', 403],
      ['ExpiredTokenException', 403],
      ['ThrottlingException', 400],
      ['InternalServerException', 500],
    ]);
  });
});

describe('the wire', () => {
  it('has the types, headers and bodies of AWS', async () => {
    const test = await startEbs();
    const id = await completedSnapshot(test.ec2, await volumeWith(test, []));
    const authorization = 'AWS4-HMAC-SHA256 Credential=ASIATEST/20260101/us-east-1/ebs/aws4_request';
    const send = async (path: string) => {
      const answer = await fetch(`${test.url}${path}`, { headers: { authorization } });
      return [answer.status, answer.headers.get('x-amzn-errortype'), await answer.json()];
    };
    expect(await send('/snapshots/snap-0123456789abcdef0/blocks')).toEqual([
      404,
      'ResourceNotFoundException:http://internal.amazon.com/coral/com.amazon.zeppelindataservice/',
      { Message: "The snapshot 'snap-0123456789abcdef0' does not exist.", Reason: 'SNAPSHOT_NOT_FOUND' },
    ]);
    expect(await send(`/snapshots/${id}/blocks?maxResults=1`)).toEqual([
      400,
      'ValidationException:http://internal.amazon.com/coral/com.amazon.coral.validate/',
      { message: expect.stringMatching(/^1 validation error detected: Value '1' at 'maxResults'/) },
    ]);
    expect(await send(`/snapshots/${id}/blocks`)).toEqual([
      200,
      null,
      { BlockSize: 524_288, Blocks: [], ExpiryTime: expect.any(Number), NextToken: null, VolumeSize: 1 },
    ]);
    expect(await send(`/snapshots/${id}/blocks?colour=red`)).toEqual([
      400,
      'ValidationException:http://internal.amazon.com/coral/com.amazon.zeppelindataservice/',
      { Message: 'ListSnapshotBlocks has no parameter colour.', Reason: 'INVALID_PARAMETER_VALUE' },
    ]);
    expect(await send('/volumes')).toMatchObject([404, expect.stringMatching(/^UnknownOperationException:/), {}]);
  });
});
