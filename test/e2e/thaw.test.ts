import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedPolicy } from '../../sandbox/iam/index.js';
import { run, runText } from '../../src/process/index.js';
import { filesystemOn, localAws, type Finished, type LocalAws } from '../support/local-aws.js';

// `snap-to-s3 restore` of archives that lie in Glacier. Here a retrieval of five hours takes four seconds.

let aws: LocalAws;
let bucket = '';
beforeAll(async () => {
  aws = await localAws({ archiveSpeed: 4_500 });
  bucket = await aws.bucket();
});
afterAll(() => aws[Symbol.asyncDispose]());

/** What docs/guides/iam.md says of thawing. */
const mayThaw = (): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:RestoreObject', Resource: `arn:aws:s3:::${bucket}/*` }],
  });

async function frozen(storageClass: string): Promise<string> {
  const id = await aws.snapshot((device) =>
    filesystemOn(device, 'ext4', (path) => writeFile(join(path, 'file'), 'The file.\n')),
  );
  const argv = ['migrate', '--bucket', bucket, '--snapshots', id, '--storage-class', storageClass];
  const migrated = await aws.command(argv);
  expect(migrated.status, migrated.stderr).toBe(0);
  return id;
}

const restore = async (id: string, to: string, ...more: readonly string[]): Promise<Finished> =>
  aws.command(['restore', id, '--bucket', bucket, '--to-directory', to, ...more]);
const newFolder = (): Promise<string> => mkdtemp(join(aws.folder, 'thawed-'));

describe('an archive in Glacier', () => {
  it('-> a sentence with the tiers, times and prices; asked for, it is there later', async () => {
    const id = await frozen('GLACIER');
    const to = await newFolder();
    const refused = await restore(id, to);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/1 object of \d+ \w+ of snap-\w+ in GLACIER must be thawed first\./);
    expect(refused.stderr).toMatch(
      /--thaw expedited \(up to 5 min, under \$0\.01\); --thaw standard \(up to 5 h, under \$0\.01\); --thaw bulk \(up to 12 h, free\)/,
    );
    const denied = await restore(id, to, '--thaw');
    expect(denied.status).toBe(1);
    expect(denied.stderr).toContain('s3:RestoreObject');

    aws.allowRole([shippedPolicy({ bucket }), mayThaw()]);
    const asked = await restore(id, to, '--thaw');
    expect(asked.status).toBe(1);
    expect(asked.stdout).toMatch(/1 object of .* asked for \(Standard\): up to 5 h, under/);
    expect(asked.stderr).toContain('they are being thawed. Run the same command again later, or with --wait.');
    const again = await restore(id, to, '--thaw', 'standard', '--wait');
    expect(again.status, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/Waiting for 1 object\.[^]*They can be read now, after/);
    expect((await readdir(to)).sort()).toEqual(['file', 'lost+found']);
    // The copy stays for days: no question any more.
    const third = await restore(id, await newFolder());
    expect(third.status, third.stderr).toBe(0);
  });

  it('whose manifest, index and two partitions a rule of the bucket has moved there is asked for all at once, without a place to restore to', async () => {
    aws.allowRole([shippedPolicy({ bucket }), mayThaw()]);
    const id = await aws.snapshot(async (device) => {
      const disk = (await runText(['realpath', device])).trim();
      await run(['sfdisk', '--quiet', '--no-reread', disk], { input: 'label: gpt\nsize=100M\nsize=100M\n' });
      await run(['partx', '--add', disk]);
      for (const number of [1, 2]) {
        await filesystemOn(`${disk}p${number}`, 'ext4', (path) => writeFile(join(path, `on-${number}`), ''));
      }
    });
    const migrated = await aws.command(['migrate', '--bucket', bucket, '--snapshots', id]);
    expect(migrated.status, migrated.stderr).toBe(0);
    const keys = (await aws.keys(bucket)).filter((key) => key.startsWith('vol-') && key.includes(id));
    expect(keys).toHaveLength(5);
    for (const Key of keys) {
      const CopySource = `${bucket}/${encodeURIComponent(Key)}`;
      await aws.s3.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource, StorageClass: 'GLACIER' }));
    }
    const looked = await aws.command(['ls', id, '--bucket', bucket]);
    expect(looked.status).toBe(1);
    const hint = /Ask for it with: snap-to-s3 (restore \S+ --bucket \S+ --thaw)/.exec(looked.stderr)?.[1] ?? '';
    const to = await newFolder();
    const refused = await restore(id, to);
    expect(refused.stderr).toMatch(/5 objects of .* in GLACIER must be thawed first\..*--thaw bulk/s);

    const asked = await aws.command([...hint.split(' '), 'bulk']);
    expect(asked.status, asked.stderr).toBe(0);
    expect(asked.stdout).toMatch(/5 objects of .* asked for \(Bulk\): up to 12 h/);
    expect(asked.stdout).toMatch(/5 of 5 objects cannot be read yet\.[^]*1 snapshot asked for/);
    // The same again asks for nothing that is on its way; a faster tier makes it come sooner.
    const again = await aws.command(hint.split(' '));
    expect(again.status, again.stderr).toBe(0);
    expect(again.stdout).not.toContain('asked for (');
    expect(again.stdout).toContain('5 of 5 objects cannot be read yet.');
    const waited = await aws.command([...hint.split(' '), '--wait']);
    expect(waited.status, waited.stderr).toBe(0);
    expect(waited.stdout).toMatch(/Everything that a restore reads can be read now\.[^]*1 snapshot asked for/);
    const restored = await restore(id, to);
    expect(restored.status, restored.stderr).toBe(0);
    expect((await readdir(to)).sort()).toEqual(['1', '2']);
  });

  it('thaws at the speed that is asked for, and waits for it', async () => {
    aws.allowRole([shippedPolicy({ bucket }), mayThaw()]);
    const id = await frozen('GLACIER');
    const to = await newFolder();
    const restored = await restore(id, to, '--thaw', 'expedited', '--wait');
    expect(restored.status, restored.stderr).toBe(0);
    expect(restored.stdout).toMatch(/asked for \(Expedited\): up to 5 min/);
    expect((await readdir(to)).sort()).toEqual(['file', 'lost+found']);
  });

  it('of the class DEEP_ARCHIVE has no fast tier', async () => {
    const id = await frozen('DEEP_ARCHIVE');
    aws.allowRole([shippedPolicy({ bucket }), mayThaw()]);
    const refused = await restore(id, await newFolder());
    expect(refused.stderr).toMatch(
      /one of: --thaw standard \(up to 12 h, .*\); --thaw bulk \(up to 48 h, under \$0\.01\); at list prices/,
    );
    expect(refused.stderr).not.toContain('expedited');
    const expedited = await restore(id, await newFolder(), '--thaw', 'expedited');
    expect(expedited.status).toBe(1);
    expect(expedited.stderr).toMatch(/s3:RestoreObject .*Retrieval option is not supported.*Try another: --thaw bulk/s);
  });

  it.each([
    [['--wait'], '--wait has no meaning without --thaw.'],
    [['--thaw', 'quick'], '--thaw "quick" is not one of: standard, bulk, expedited.'],
    [['--thaw', '--thaw-days', '0'], '--thaw-days "0" is not a whole number from 1 to 365.'],
  ])('%j -> wrong use', async (more, sentence) => {
    const refused = await restore('snap-0123456789abcdef0', '/nowhere', ...more);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(sentence);
  });
});
