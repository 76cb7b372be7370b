import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awsCli, type AwsCli } from './support/aws-cli.js';
import { interopSandbox, type InteropSandbox } from './support/interop-sandbox.js';

/** The block of EBS direct, in bytes. */
const blockBytes = 512 * 1024;

let sandbox: InteropSandbox;
let aws: AwsCli;
beforeAll(async () => {
  sandbox = await interopSandbox();
  aws = awsCli(sandbox);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

interface Block {
  readonly BlockIndex: number;
  readonly BlockToken: string;
}

const blocksOf = async (snapshot: string): Promise<readonly Block[]> =>
  (await aws.json(['ebs', 'list-snapshot-blocks', '--snapshot-id', snapshot, '--query', 'Blocks'])) as Block[];

const checksumOf = (block: Buffer): string => createHash('sha256').update(block).digest('base64');

async function getBlock(snapshot: string, { BlockIndex, BlockToken }: Block): Promise<Buffer> {
  const target = sandbox.path('block');
  const which = ['--snapshot-id', snapshot, '--block-index', `${BlockIndex}`, '--block-token', BlockToken];
  const answer = await aws.json(['ebs', 'get-snapshot-block', ...which, target]);
  const block = await readFile(target);
  // A number in a header stays text in the command line's answer.
  expect(answer).toMatchObject({
    DataLength: String(blockBytes),
    Checksum: checksumOf(block),
    ChecksumAlgorithm: 'SHA256',
  });
  return block;
}

describe('aws ebs', () => {
  it('reads what was written to a disk, block by block', async () => {
    const [instanceId = '', zone = ''] = (
      await aws.value(
        ['ec2', 'describe-instances'],
        'Reservations[0].Instances[0].[InstanceId, Placement.AvailabilityZone]',
      )
    ).split('\t');
    const volume = await aws.value(['ec2', 'create-volume', '--availability-zone', zone, '--size', '1'], 'VolumeId');
    await aws.text(['ec2', 'wait', 'volume-available', '--volume-ids', volume]);
    const attachment = ['--volume-id', volume, '--instance-id', instanceId, '--device', '/dev/sdf'];
    await aws.json(['ec2', 'attach-volume', ...attachment]);
    await aws.text(['ec2', 'wait', 'volume-in-use', '--volume-ids', volume]);
    const device = join('/dev/disk/by-id', `nvme-Amazon_Elastic_Block_Store_${volume.replace('-', '')}`);
    const content = randomBytes(blockBytes);
    const disk = await open(device, 'r+');
    await disk.write(content, 0, blockBytes, 1_000 * blockBytes);
    await disk.sync();
    await disk.close();
    const snapshot = await aws.value(['ec2', 'create-snapshot', '--volume-id', volume], 'SnapshotId');
    await aws.text(['ec2', 'wait', 'snapshot-completed', '--snapshot-ids', snapshot]);

    const blocks = await blocksOf(snapshot);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([1_000]);
    for (const block of blocks) expect((await getBlock(snapshot, block)).equals(content)).toBe(true);
    await aws.json(['ec2', 'detach-volume', '--volume-id', volume]);
  });

  it('writes a snapshot block by block, which EC2 then knows, and lists what a second one changed', async () => {
    const first = [randomBytes(blockBytes), randomBytes(blockBytes)];
    const second = randomBytes(blockBytes);
    const write = async (blocks: ReadonlyMap<number, Buffer>, ...more: readonly string[]): Promise<string> => {
      const start = ['ebs', 'start-snapshot', '--volume-size', '1', '--description', 'by blocks', ...more];
      const snapshot = await aws.value(start, 'SnapshotId');
      for (const [index, block] of blocks) {
        const path = sandbox.path('block');
        await writeFile(path, block);
        const put = ['ebs', 'put-snapshot-block', '--snapshot-id', snapshot, '--block-index', `${index}`];
        const body = ['--block-data', path, '--data-length', `${blockBytes}`];
        const checksum = ['--checksum', checksumOf(block), '--checksum-algorithm', 'SHA256'];
        expect(await aws.json([...put, ...body, ...checksum])).toEqual({
          Checksum: checksumOf(block),
          ChecksumAlgorithm: 'SHA256',
        });
      }
      const complete = [
        'ebs',
        'complete-snapshot',
        '--snapshot-id',
        snapshot,
        '--changed-blocks-count',
        `${blocks.size}`,
      ];
      await aws.json(complete);
      await aws.text(['ec2', 'wait', 'snapshot-completed', '--snapshot-ids', snapshot]);
      return snapshot;
    };
    const parent = await write(new Map(first.entries()), '--tags', 'Key=made,Value=by blocks');
    expect(await aws.json(['ec2', 'describe-snapshots', '--filters', 'Name=tag:made,Values=by*'])).toMatchObject({
      Snapshots: [{ SnapshotId: parent, State: 'completed', VolumeSize: 1, Description: 'by blocks' }],
    });
    const child = await write(new Map([[1, second]]), '--parent-snapshot-id', parent);

    const blocks = await blocksOf(child);
    expect(blocks.map(({ BlockIndex }) => BlockIndex)).toEqual([0, 1]);
    const contents = [first[0], second];
    for (const [index, block] of blocks.entries()) {
      expect(checksumOf(await getBlock(child, block))).toBe(checksumOf(contents[index] ?? Buffer.alloc(0)));
    }
    const changed = ['ebs', 'list-changed-blocks', '--first-snapshot-id', parent, '--second-snapshot-id', child];
    expect(await aws.json([...changed, '--query', 'ChangedBlocks[].BlockIndex'])).toEqual([1]);
  });

  it('is refused with the codes of EBS direct', async () => {
    await aws.refused(
      ['ebs', 'list-snapshot-blocks', '--snapshot-id', 'snap-00000000000000000'],
      'ResourceNotFoundException',
    );
    const snapshot = await aws.value(['ebs', 'start-snapshot', '--volume-size', '1'], 'SnapshotId');
    const path = sandbox.path('block');
    await writeFile(path, randomBytes(blockBytes));
    const put = ['ebs', 'put-snapshot-block', '--snapshot-id', snapshot, '--block-index', '0', '--block-data', path];
    const wrong = [
      '--data-length',
      `${blockBytes}`,
      '--checksum',
      checksumOf(Buffer.alloc(1)),
      '--checksum-algorithm',
      'SHA256',
    ];
    // The code of wrong signatures; it is not the signature that is wrong.
    expect(await aws.refused([...put, ...wrong], 'InvalidSignatureException')).toContain('x-amz-Checksum');
  });
});
