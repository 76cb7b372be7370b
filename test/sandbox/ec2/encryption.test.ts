import {
  CopySnapshotCommand,
  CreateVolumeCommand,
  DisableEbsEncryptionByDefaultCommand,
  EnableEbsEncryptionByDefaultCommand,
  GetEbsDefaultKmsKeyIdCommand,
  GetEbsEncryptionByDefaultCommand,
  ModifySnapshotAttributeCommand,
  type CopySnapshotCommandInput,
  type CreateVolumeCommandInput,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import {
  availableVolume,
  clientOf,
  completedSnapshot,
  eventually,
  failure,
  scratchDirectory,
  snapshotNow,
  startEc2,
  volumeNow,
} from './support.js';

const keyId = '1234abcd-12ab-34cd-56ef-1234567890ab';
const keyArn = `arn:aws:kms:us-east-1:123456789012:key/${keyId}`;

async function keyOf(client: EC2Client, input: Partial<CreateVolumeCommandInput>): Promise<string | undefined> {
  return (await volumeNow(client, await availableVolume(client, input)))?.KmsKeyId;
}

async function copyOf(
  client: EC2Client,
  SourceSnapshotId: string,
  input: Partial<CopySnapshotCommandInput> = {},
): Promise<string> {
  const answer = await client.send(new CopySnapshotCommand({ SourceRegion: 'us-east-1', SourceSnapshotId, ...input }));
  const id = answer.SnapshotId ?? '';
  await eventually(async () => ((await snapshotNow(client, id))?.State === 'pending' ? undefined : true));
  return id;
}

describe('the key of a volume', () => {
  it('is told as an ARN, however it was named', async () => {
    const { client } = await startEc2();
    expect(await keyOf(client, { Encrypted: true, KmsKeyId: keyId })).toBe(keyArn);
    expect(await keyOf(client, { Encrypted: true, KmsKeyId: keyArn })).toBe(keyArn);
    const byAlias = await keyOf(client, { Encrypted: true, KmsKeyId: 'alias/mine' });
    expect(byAlias).toMatch(/^arn:aws:kms:us-east-1:123456789012:key\/[0-9a-f-]{36}$/);
    const aliasArn = 'arn:aws:kms:us-east-1:123456789012:alias/mine';
    expect(await keyOf(client, { Encrypted: true, KmsKeyId: aliasArn })).toBe(byAlias);
    expect(await keyOf(client, {})).toBeUndefined();
  });

  it('is the one that AWS manages where none is named, another one in each region', async () => {
    const { client, url } = await startEc2();
    const managed = await keyOf(client, { Encrypted: true });
    expect(managed).toMatch(/^arn:aws:kms:us-east-1:123456789012:key\//);
    expect(await keyOf(client, { Encrypted: true, KmsKeyId: 'alias/aws/ebs' })).toBe(managed);
    const elsewhere = await keyOf(clientOf(url, 'eu-west-1'), { AvailabilityZone: 'eu-west-1a', Encrypted: true });
    expect(elsewhere).toMatch(/^arn:aws:kms:eu-west-1:/);
  });

  it('comes with the snapshot, unless another one is named', async () => {
    const { client } = await startEc2();
    const volume = await availableVolume(client, { Encrypted: true, KmsKeyId: keyId });
    const SnapshotId = await completedSnapshot(client, volume);
    expect(await snapshotNow(client, SnapshotId)).toMatchObject({ Encrypted: true, KmsKeyId: keyArn });
    expect(await keyOf(client, { SnapshotId })).toBe(keyArn);
    expect(await keyOf(client, { SnapshotId, Encrypted: true, KmsKeyId: 'alias/aws/ebs' })).not.toBe(keyArn);
    const input = { AvailabilityZone: 'us-east-1a', SnapshotId, Encrypted: false };
    expect(await failure(client.send(new CreateVolumeCommand(input)))).toMatchObject({
      code: 'InvalidParameterValue',
    });
  });

  it('of another account stays with it: a volume of a shared snapshot has the default one', async () => {
    const { client, service } = await startEc2();
    const kmsKeyId = 'arn:aws:kms:us-east-1:999988887777:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
    const SnapshotId = await service.arrange.addForeignSnapshot({
      ownerId: '999988887777',
      sharedWith: 'this-account',
      sizeGiB: 1,
      kmsKeyId,
    });
    expect(await keyOf(client, { SnapshotId })).toBe(await keyOf(client, { Encrypted: true }));
  });

  it('needs Encrypted, and makes the volume fail afterwards where it cannot be had', async () => {
    const { client } = await startEc2();
    const input = { AvailabilityZone: 'us-east-1a', Size: 1, KmsKeyId: keyId };
    expect(await failure(client.send(new CreateVolumeCommand(input)))).toEqual({
      code: 'InvalidParameterDependency',
      status: 400,
      message: 'The parameter KmsKeyId requires the parameter Encrypted to be set.',
    });
    for (const KmsKeyId of ['not a key', keyArn.replace('us-east-1', 'eu-west-1')]) {
      const { VolumeId = '' } = await client.send(new CreateVolumeCommand({ ...input, Encrypted: true, KmsKeyId }));
      await eventually(async () => ((await volumeNow(client, VolumeId))?.State === 'error' ? true : undefined));
    }
  });
});

describe('the key of a copy', () => {
  it('is the named one, or the default one of the region it goes to', async () => {
    const { client, url } = await startEc2();
    const volume = await availableVolume(client, { Encrypted: true, KmsKeyId: keyId });
    const source = await completedSnapshot(client, volume);
    const ireland = clientOf(url, 'eu-west-1');
    const copy = await snapshotNow(ireland, await copyOf(ireland, source));
    expect(copy).toMatchObject({ Encrypted: true, KmsKeyId: expect.stringMatching(/^arn:aws:kms:eu-west-1:/) });
    const named = await snapshotNow(ireland, await copyOf(ireland, source, { Encrypted: true, KmsKeyId: keyId }));
    expect(named?.KmsKeyId).toBe(keyArn.replace('us-east-1', 'eu-west-1'));
    const plain = await completedSnapshot(client, await availableVolume(client));
    expect((await snapshotNow(client, await copyOf(client, plain)))?.Encrypted).toBe(false);
    expect((await snapshotNow(client, await copyOf(client, plain, { Encrypted: true })))?.Encrypted).toBe(true);
  });

  it('makes the copy fail afterwards where it cannot be had', async () => {
    const { client, url } = await startEc2();
    const source = await completedSnapshot(client, await availableVolume(client));
    const ireland = clientOf(url, 'eu-west-1');
    const id = await copyOf(ireland, source, { Encrypted: true, KmsKeyId: keyArn });
    expect(await snapshotNow(ireland, id)).toMatchObject({
      State: 'error',
      StateMessage: 'Given key ID is not accessible',
    });
  });
});

describe('sharing encrypted snapshots', () => {
  it('needs a key of the account, and never goes to everyone', async () => {
    const { client } = await startEc2();
    const share = async (input: Partial<CreateVolumeCommandInput>, item: { UserId: string } | { Group: 'all' }) => {
      const volume = await availableVolume(client, { Encrypted: true, ...input });
      const SnapshotId = await completedSnapshot(client, volume);
      const CreateVolumePermission = { Add: [item] };
      return client.send(new ModifySnapshotAttributeCommand({ SnapshotId, CreateVolumePermission }));
    };
    await share({ KmsKeyId: keyId }, { UserId: '999988887777' });
    expect(await failure(share({}, { UserId: '999988887777' }))).toEqual({
      code: 'OperationNotPermitted',
      status: 400,
      message: 'Encrypted snapshots with EBS default key cannot be shared',
    });
    expect(await failure(share({ KmsKeyId: keyId }, { Group: 'all' }))).toMatchObject({
      code: 'OperationNotPermitted',
    });
  });
});

describe('encryption by default', () => {
  it('encrypts new volumes and copies in its region, and stays over a restart', async () => {
    const directory = await scratchDirectory();
    const first = await startEc2({ directory });
    const source = await completedSnapshot(first.client, await availableVolume(first.client));
    const ireland = clientOf(first.url, 'eu-west-1');
    const enabled = async (client: EC2Client) =>
      (await client.send(new GetEbsEncryptionByDefaultCommand({}))).EbsEncryptionByDefault;
    expect(await enabled(ireland)).toBe(false);
    expect(await ireland.send(new EnableEbsEncryptionByDefaultCommand({}))).toMatchObject({
      EbsEncryptionByDefault: true,
    });
    expect([await enabled(ireland), await enabled(first.client)]).toEqual([true, false]);
    expect((await ireland.send(new GetEbsDefaultKmsKeyIdCommand({}))).KmsKeyId).toBe('alias/aws/ebs');
    expect(await keyOf(ireland, { AvailabilityZone: 'eu-west-1a' })).toMatch(/^arn:aws:kms:eu-west-1:/);
    expect((await snapshotNow(ireland, await copyOf(ireland, source)))?.Encrypted).toBe(true);
    await first.close();
    const { url } = await startEc2({ directory });
    const again = clientOf(url, 'eu-west-1');
    expect(await enabled(again)).toBe(true);
    await again.send(new DisableEbsEncryptionByDefaultCommand({}));
    expect(await keyOf(again, { AvailabilityZone: 'eu-west-1a' })).toBeUndefined();
  });
});
