import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexKey } from '../../src/archive/index.js';
import { checkRecipients, encryptFor, findGpg } from '../../src/codec/index.js';
import { restore } from '../../src/commands/index.js';
import { MiB, systemClock } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import type { ObjectStore } from '../../src/store/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';
import { archivePlain, folderToArchive, type PlainArchive } from '../support/plain-archive.js';
import { s3Sandbox, type S3Sandbox } from '../support/s3-sandbox.js';

// Single files of an encrypted archive, of which archive and index are two messages.

let s3: S3Sandbox;
let ring: GpgKeyring;
let stranger: GpgKeyring;
let store: ObjectStore;
let folder = '';
let tree = '';
beforeAll(async () => {
  [s3, ring, stranger] = await Promise.all([s3Sandbox(), gpgKeyring(), gpgKeyring()]);
  await ring.key('Open <open@example.com>');
  await ring.key('Locked <locked@example.com>', { passphrase: 'secret' });
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-encrypted-'));
  store = { client: s3.client(), bucket: 'bucket', clock: systemClock, temporaryDirectory: folder };
  tree = await folderToArchive(folder, 5 * MiB);
});
afterAll(async () => {
  for (const one of [ring, stranger, s3]) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function archivedFor(recipient: string): Promise<PlainArchive> {
  const gpg = await findGpg({ home: ring.home });
  const encrypt = encryptFor(gpg, await checkRecipients(gpg, [recipient], new AbortController().signal));
  return archivePlain(store, tree, { encrypt });
}

async function keyOf(key: string): Promise<string> {
  const { Body } = await store.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }));
  return ring.sessionKey(Buffer.from((await Body?.transformToByteArray()) ?? []));
}

/** Restores the file `words` alone, and tells what is there then. */
async function restored({ snapshot }: PlainArchive, sessionKeys: readonly string[], gnupgHome: string) {
  const path = join(await mkdtemp(join(folder, 'to-')), 'restored');
  const { failed } = await restore(
    [{ snapshotId: snapshot.snapshotId }],
    {
      destination: { kind: 'directory', path, patterns: ['words'], devices: false },
      partition: undefined,
      thaw: undefined,
      downloadStreams: 2,
      sessionKeys,
    },
    {
      store,
      clock: systemClock,
      events: () => undefined,
      parallelism: 1,
      gnupgHome,
      isRoot: false,
      signal: new AbortController().signal,
    },
  );
  return { error: failed[0]?.error, path, names: await readdir(path).catch(() => []) };
}

describe('a single file of an encrypted archive', () => {
  it.each([
    ['the session keys of archive and index', (keys: readonly string[]) => keys],
    ['both, the other way round', (keys: readonly string[]) => keys.toReversed()],
    ['that of the archive alone', (keys: readonly string[]) => keys.slice(0, 1)],
  ])('comes back with %s, without any private key', async (_, chosen) => {
    const archive = await archivedFor('open@example.com');
    const keys = [await keyOf(archive.key), await keyOf(indexKey(archive.key))];
    expect(new Set(keys).size).toBe(2);
    const { error, path, names } = await restored(archive, chosen(keys), stranger.home);
    expect(error).toBeUndefined();
    expect(names).toEqual(['words']);
    expect(await readFile(join(path, 'words'))).toEqual(await readFile(join(tree, 'words')));
  });

  it('with the session key of its index alone -> a sentence that says whose is missing, and nothing is made', async () => {
    const archive = await archivedFor('open@example.com');
    const { error, names } = await restored(archive, [await keyOf(indexKey(archive.key))], stranger.home);
    expect(error).toMatchObject({ code: 'wrong-session-key', hint: expect.stringContaining('--show-session-key') });
    expect(names).toEqual([]);
  });

  it('with a private key that is locked in the agent -> a sentence that says both ways, and nothing is made', async () => {
    const archive = await archivedFor('locked@example.com');
    await run(['gpgconf', '--kill', 'gpg-agent'], { env: { GNUPGHOME: ring.home } });
    const { error, names } = await restored(archive, [], ring.home);
    expect(error).toMatchObject({
      code: 'passphrase-needed',
      message: expect.stringContaining('locked by a passphrase'),
      hint: expect.stringMatching(/gpg-preset-passphrase.*--gpg-session-key/),
    });
    expect(names).toEqual([]);
  });
});
