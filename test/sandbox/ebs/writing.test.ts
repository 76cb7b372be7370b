import { CompleteSnapshotCommand, ListSnapshotBlocksCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { CreateTagsCommand, DeleteSnapshotCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  allBlocks,
  begin,
  blockBytes,
  blockOf,
  complete,
  eventually,
  failure,
  get,
  linear,
  movableClock,
  put,
  sha256,
  snapshotNow,
  snapshotOfVolumeWith,
  startEbs,
  written,
  type TestEbs,
} from './support.js';

const minuteMs = 60 * 1_000;

async function refusal(call: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await call.then(
    () => ({}),
    (cause: unknown) => cause as { name: string; Reason?: string; $metadata: { httpStatusCode?: number } },
  );
  return 'name' in error ? [error.name, error.Reason, error.$metadata.httpStatusCode] : ['no error'];
}

const inError = ({ ec2 }: TestEbs, id: string) =>
  eventually(async () => {
    const now = await snapshotNow(ec2, id);
    return now?.State === 'error' ? now : undefined;
  }, `${id} in error`);

describe('StartSnapshot', () => {
  it('answers a pending snapshot, which EC2 shows at once', async () => {
    const { ebs, ec2 } = await startEbs();
    const Tags = [{ Key: 'Name', Value: 'één' }];
    const answer = await ebs.send(new StartSnapshotCommand({ VolumeSize: 3, Description: 'a copy', Tags }));
    expect(answer).toMatchObject({
      BlockSize: blockBytes,
      Description: 'a copy',
      OwnerId: '123456789012',
      Status: 'pending',
      Tags,
      VolumeSize: 3,
    });
    expect(answer.SnapshotId).toMatch(/^snap-[0-9a-f]{17}$/);
    expect(await snapshotNow(ec2, answer.SnapshotId ?? '')).toMatchObject({
      State: 'pending',
      Progress: '0%',
      VolumeId: 'vol-ffffffff',
      VolumeSize: 3,
      Description: 'a copy',
      Encrypted: false,
      StartTime: answer.StartTime,
      Tags,
    });
  });

  it('gives the same answer for the same client token, and conflicts with another request', async () => {
    const { ebs, ec2 } = await startEbs();
    const start = (Description: string) =>
      ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ClientToken: 'once', Description }));
    const answers = await Promise.all([start('a'), start('a'), start('a')]);
    expect(new Set(answers.map(({ SnapshotId }) => SnapshotId)).size).toBe(1);
    const id = answers[0].SnapshotId ?? '';
    await complete({ ebs, ec2 }, id, { ChangedBlocksCount: 0 });
    expect(await start('a')).toMatchObject({ SnapshotId: id, Status: 'pending' });
    expect(await failure(start('b'))).toEqual({
      code: 'ConflictException',
      status: 409,
      message: 'Current request does not match request stored with this token.',
    });
  });

  it('encrypts with a key, with one of its own, and as the parent is; and refuses to mix these', async () => {
    const test = await startEbs();
    const start = (input: object) => test.ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ...input }));
    const KmsKeyArn = 'arn:aws:kms:us-east-1:123456789012:key/abc';
    expect((await start({ KmsKeyArn })).KmsKeyArn).toBe(KmsKeyArn);
    expect((await start({ Encrypted: true })).KmsKeyArn).toMatch(/^arn:aws:kms:us-east-1:123456789012:key\//);
    expect((await start({ Encrypted: false })).KmsKeyArn).toBeUndefined();
    const parent = await written(test, [[0, blockOf(1)]], { Encrypted: true, KmsKeyArn });
    expect(await start({ ParentSnapshotId: parent })).toMatchObject({ KmsKeyArn, ParentSnapshotId: parent });
    const refused = ['ValidationException', 'INVALID_PARAMETER_VALUE', 400];
    expect(await refusal(start({ ParentSnapshotId: parent, Encrypted: true }))).toEqual(refused);
    expect(await refusal(start({ ParentSnapshotId: parent, KmsKeyArn }))).toEqual(refused);
    expect(await refusal(start({ Encrypted: false, KmsKeyArn }))).toEqual(refused);
  });

  it('refuses parents that are not there, not complete, or larger', async () => {
    const test = await startEbs();
    const pending = await begin(test.ebs);
    const large = await written(test, [], { VolumeSize: 2 });
    const child = (ParentSnapshotId: string) =>
      refusal(test.ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ParentSnapshotId })));
    expect(await child('snap-0123456789abcdef0')).toEqual(['ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND', 404]);
    expect(await child(pending)).toEqual(['ValidationException', 'INVALID_SNAPSHOT_ID', 400]);
    expect(await child(large)).toEqual(['ValidationException', 'INVALID_VOLUME_SIZE', 400]);
  });

  it('refuses sizes, timeouts, tags and members that cannot be', async () => {
    const { ebs, url } = await startEbs();
    const start = (input: object) => refusal(ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ...input })));
    const invalid = (reason?: string) => ['ValidationException', reason, 400];
    expect(await start({ VolumeSize: 65_537 })).toEqual(invalid('INVALID_VOLUME_SIZE'));
    expect(await start({ VolumeSize: 0 })).toEqual(invalid());
    expect(await start({ Timeout: 9 })).toEqual(invalid());
    expect(await start({ Timeout: 4_321 })).toEqual(invalid());
    expect(await start({ Tags: [{ Key: 'aws:x', Value: '' }] })).toEqual(invalid('INVALID_TAG'));
    const twice = [
      { Key: 'a', Value: '1' },
      { Key: 'a', Value: '2' },
    ];
    expect(await start({ Tags: twice })).toEqual(invalid('INVALID_TAG'));
    const authorization = 'AWS4-HMAC-SHA256 Credential=ASIATEST/20260101/us-east-1/ebs/aws4_request';
    const send = (body: string) => fetch(`${url}/snapshots`, { method: 'POST', headers: { authorization }, body });
    expect(await (await send('{"VolumeSize":1,"Colour":"red"}')).json()).toMatchObject({
      Reason: 'INVALID_PARAMETER_VALUE',
      Message: 'StartSnapshot has no parameter colour.',
    });
    const unreadable = await send('{"VolumeSize":');
    expect([unreadable.status, unreadable.headers.get('x-amzn-errortype')]).toEqual([
      400,
      expect.stringMatching(/^SerializationException:/),
    ]);
    expect(await (await send('{}')).json()).toEqual({
      message:
        "1 validation error detected: Value null at 'volumeSize' failed to satisfy constraint: Member must not be null",
    });
  });
});

describe('PutSnapshotBlock', () => {
  it('writes blocks, also over each other, and zeros as well as anything', async () => {
    const test = await startEbs();
    const id = await begin(test.ebs);
    const answer = await put(test.ebs, id, [0, blockOf(1)], { Progress: 10 });
    expect(answer).toMatchObject({ Checksum: sha256(blockOf(1)), ChecksumAlgorithm: 'SHA256' });
    await put(test.ebs, id, [0, blockOf(2)]);
    await put(test.ebs, id, [7, blockOf(0)]);
    await put(test.ebs, id, [2_047, blockOf(3)]);
    const Checksum = linear([blockOf(2), blockOf(0), blockOf(3)]);
    const said = { Checksum, ChecksumAlgorithm: 'SHA256', ChecksumAggregationMethod: 'LINEAR' } as const;
    await complete(test, id, { ChangedBlocksCount: 3, ...said });
    const blocks = await allBlocks(test.ebs, id);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 7, 2_047]);
    const bytes = await Promise.all(blocks.map((block) => get(test.ebs, id, block)));
    expect(bytes.map(sha256)).toEqual([blockOf(2), blockOf(0), blockOf(3)].map(sha256));
  });

  it('takes a hundred blocks at once, each once', async () => {
    const test = await startEbs();
    const id = await begin(test.ebs);
    const blocks = Array.from({ length: 100 }, (_, index) => [index, blockOf(index + 1)] as const);
    await Promise.all(blocks.map((block) => put(test.ebs, id, block)));
    await complete(test, id, { ChangedBlocksCount: 100 });
    const listed = await allBlocks(test.ebs, id);
    expect(listed).toHaveLength(100);
    expect(sha256(await get(test.ebs, id, listed[99] ?? {}))).toBe(sha256(blockOf(100)));
  });

  it('of one block by two requests at once is refused to one of them, or comes after the other', async () => {
    const test = await startEbs();
    const id = await begin(test.ebs);
    const puts = Array.from({ length: 20 }, (_, byte) => refusal(put(test.ebs, id, [0, blockOf(byte)])));
    const outcomes = new Set((await Promise.all(puts)).map((outcome) => outcome.join(' ')));
    outcomes.delete('ValidationException CONFLICTING_BLOCK_UPDATE 400');
    expect([...outcomes]).toEqual(['no error']);
  });

  it('refuses what is not a block, or not the one that was meant', async () => {
    const { ebs } = await startEbs();
    const id = await begin(ebs);
    const of = (input: object, data = blockOf(1)) => refusal(put(ebs, id, [9, data], input));
    const invalid = (reason?: string) => ['ValidationException', reason, 400];
    expect(await of({}, Buffer.from('short'))).toEqual(invalid('INVALID_PARAMETER_VALUE'));
    expect(await of({ DataLength: 1 })).toEqual(invalid('INVALID_BLOCK'));
    expect(await of({ BlockIndex: 2_048 })).toEqual(invalid('INVALID_BLOCK'));
    expect(await of({ BlockIndex: -1 })).toEqual(invalid());
    expect(await of({ Progress: 101 })).toEqual(invalid());
    expect(await of({ ChecksumAlgorithm: 'SHA1' })).toEqual(invalid('INVALID_PARAMETER_VALUE'));
    expect(await of({ Checksum: 'not-base64!' })).toEqual(invalid());
    expect(await of({ Checksum: sha256(blockOf(2)) })).toEqual(['InvalidSignatureException', undefined, 403]);
    expect((await failure(put(ebs, id, [9, blockOf(1)], { Checksum: sha256(blockOf(2)) }))).message).toBe(
      'The value passed in as x-amz-Checksum does not match the computed checksum. ' +
        `Computed checksum: ${sha256(blockOf(1))} expected checksum: ${sha256(blockOf(2))}`,
    );
  });

  it('refuses snapshots that are sealed, made of a volume, or not there', async () => {
    const test = await startEbs();
    const sealed = await written(test, []);
    const ofVolume = await snapshotOfVolumeWith(test, []);
    const of = (id: string) => refusal(put(test.ebs, id, [0, blockOf(1)]));
    const complete = ['ValidationException', 'INVALID_SNAPSHOT_ID', 400];
    expect([await of(sealed), await of(ofVolume)]).toEqual([complete, complete]);
    expect(await of('snap-0123456789abcdef0')).toEqual(['ResourceNotFoundException', 'SNAPSHOT_NOT_FOUND', 404]);
  });
});

describe('CompleteSnapshot', () => {
  it('answers pending, then what has become; EC2 shows it', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, delays: { completeMs: minuteMs } });
    const id = await begin(test.ebs);
    await put(test.ebs, id, [0, blockOf(1)]);
    const send = () => test.ebs.send(new CompleteSnapshotCommand({ SnapshotId: id, ChangedBlocksCount: 1 }));
    expect((await send()).Status).toBe('pending');
    expect((await send()).Status).toBe('pending');
    expect((await snapshotNow(test.ec2, id))?.State).toBe('pending');
    expect(await refusal(put(test.ebs, id, [1, blockOf(1)]))).toEqual([
      'ValidationException',
      'INVALID_SNAPSHOT_ID',
      400,
    ]);
    const done = await eventually(async () => {
      clock.advance(minuteMs);
      const now = await snapshotNow(test.ec2, id);
      return now?.State === 'completed' ? now : undefined;
    });
    expect(done).toMatchObject({ Progress: '100%' });
    expect((await send()).Status).toBe('completed');
  });

  it('with a wrong count or a wrong checksum is accepted, and the snapshot goes to error', async () => {
    const test = await startEbs();
    const finish = async (input: object) => {
      const id = await begin(test.ebs);
      await put(test.ebs, id, [0, blockOf(1)]);
      await test.ebs.send(new CompleteSnapshotCommand({ SnapshotId: id, ChangedBlocksCount: 1, ...input }));
      const { StateMessage } = await inError(test, id);
      const again = await test.ebs.send(new CompleteSnapshotCommand({ SnapshotId: id, ChangedBlocksCount: 1 }));
      expect(again.Status).toBe('error');
      expect(await refusal(put(test.ebs, id, [0, blockOf(1)]))).toEqual([
        'ResourceNotFoundException',
        'SNAPSHOT_NOT_FOUND',
        404,
      ]);
      return StateMessage;
    };
    expect(await finish({ ChangedBlocksCount: 2 })).toBe('Changed blocks count mismatch for snapshot');
    const said = { ChecksumAlgorithm: 'SHA256', ChecksumAggregationMethod: 'LINEAR' };
    expect(await finish({ ...said, Checksum: linear([blockOf(2)]) })).toBe('Checksum mismatch for snapshot');
    // Base64 texts one after the other are not what is hashed.
    expect(await finish({ ...said, Checksum: sha256(Buffer.from(sha256(blockOf(1)))) })).toBe(
      'Checksum mismatch for snapshot',
    );
  });

  it('refuses a checksum without its algorithm or its method', async () => {
    const { ebs } = await startEbs();
    const id = await begin(ebs);
    const of = async (input: object) =>
      (await failure(ebs.send(new CompleteSnapshotCommand({ SnapshotId: id, ChangedBlocksCount: 0, ...input }))))
        .message;
    const prefix = 'Invalid parameter combination.';
    expect(await of({ Checksum: linear([]) })).toBe(`${prefix} Checksum algorithm is missing.`);
    expect(await of({ Checksum: linear([]), ChecksumAlgorithm: 'SHA256' })).toBe(
      `${prefix} Checksum aggregation method is missing.`,
    );
    expect(await of({ ChecksumAggregationMethod: 'LINEAR' })).toBe(`${prefix} Snapshot checksum is missing.`);
  });
});

describe('time', () => {
  it('a new snapshot does not exist for a while, and a completed one cannot be read for a while', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock, delays: { invisibleMs: 2 * minuteMs, unreadableMs: minuteMs } });
    const id = await begin(test.ebs);
    expect(await refusal(put(test.ebs, id, [0, blockOf(1)]))).toEqual([
      'ResourceNotFoundException',
      'SNAPSHOT_NOT_FOUND',
      404,
    ]);
    expect((await snapshotNow(test.ec2, id))?.State).toBe('pending');
    clock.advance(2 * minuteMs);
    await put(test.ebs, id, [0, blockOf(1)]);
    await complete(test, id, { ChangedBlocksCount: 1 });
    const list = () => test.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id }));
    expect((await failure(list())).code).toBe('ResourceNotFoundException');
    await eventually(async () => {
      clock.advance(minuteMs);
      return list().catch(() => undefined);
    });
  });

  it('a snapshot in which nothing happens for its timeout goes to error', async () => {
    const clock = movableClock();
    const test = await startEbs({ clock });
    const [idle, busy, slow] = [
      await begin(test.ebs, { Timeout: 10 }),
      await begin(test.ebs, { Timeout: 10 }),
      await begin(test.ebs),
    ];
    clock.advance(9 * minuteMs);
    await put(test.ebs, busy, [0, blockOf(1)]);
    clock.advance(minuteMs);
    expect((await inError(test, idle)).StateMessage).toBe('Snapshot timed out');
    expect(await refusal(put(test.ebs, idle, [0, blockOf(1)]))).toEqual([
      'ResourceNotFoundException',
      'SNAPSHOT_NOT_FOUND',
      404,
    ]);
    clock.advance(8 * minuteMs);
    await put(test.ebs, busy, [1, blockOf(1)]);
    expect((await snapshotNow(test.ec2, slow))?.State).toBe('pending');
    clock.advance(60 * minuteMs);
    await inError(test, busy);
    await inError(test, slow);
  });
});

describe('EC2', () => {
  it('deletes a snapshot that is being written, at once, and tags one', async () => {
    const test = await startEbs();
    const id = await begin(test.ebs);
    await test.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'a', Value: 'b' }] }));
    expect((await snapshotNow(test.ec2, id))?.Tags).toEqual([{ Key: 'a', Value: 'b' }]);
    await test.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    expect(await snapshotNow(test.ec2, id)).toBeUndefined();
    expect(await refusal(put(test.ebs, id, [0, blockOf(1)]))).toEqual([
      'ResourceNotFoundException',
      'SNAPSHOT_NOT_FOUND',
      404,
    ]);
  });
});
