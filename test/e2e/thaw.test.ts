import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedPolicy } from '../../sandbox/iam/index.js';
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
