import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRecipients, findGpg } from '../../src/codec/index.js';
import { runText } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';

// Real keys in real keyrings: `owners` has the private keys, `ring` is the one of the machine that archives.

let owners: GpgKeyring;
let ring: GpgKeyring;
beforeAll(async () => {
  owners = await gpgKeyring();
  ring = await gpgKeyring();
});
afterAll(async () => {
  await owners[Symbol.asyncDispose]();
  await ring[Symbol.asyncDispose]();
});

async function check(...names: string[]): Promise<readonly string[]> {
  return checkRecipients(await findGpg({ home: ring.home }), names);
}

const imported = async (...fingerprints: string[]): Promise<void> => {
  await ring.takeFrom(owners, ...fingerprints);
  for (const fingerprint of fingerprints) await ring.trust(fingerprint, 6);
};

describe('a recipient', () => {
  it('is found by address, name, key id and fingerprint, whatever script it is in, and counts once', async () => {
    const alice = await owners.key('Älice Größe <alice@example.com>');
    const other = await owners.key('Other <other@example.com>');
    await imported(alice, other);
    const names = ['alice@example.com', '<alice@example.com>', 'Älice Größe', alice, `0x${alice.slice(-16)}`];
    expect(await check(...names, 'other@example.com')).toEqual([alice, other]);
    for (const name of names) expect(await check(name)).toEqual([alice]);
  });

  it('that is unknown -> the keyring, and how to import', async () => {
    await expect(check('nobody@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `There is no key for the gpg recipient "nobody@example.com" in ${ring.home}.`,
      hint: expect.stringContaining(`GNUPGHOME=${ring.home} gpg --import key.asc`),
    });
  });

  it('that looks like an option is a name', async () => {
    await expect(check('--version')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: expect.stringContaining('no key for the gpg recipient "--version"'),
    });
  });

  it('that could be several keys -> all fingerprints', async () => {
    const old = await owners.key('Twin <twin@example.com>', { madeAt: '20200101T000000', expires: '1y' });
    const young = await owners.key('Twin <twin2@example.com>');
    await imported(old, young);
    await expect(check('Twin')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `The gpg recipient "Twin" could be any of 2 keys: ${old} (Twin <twin@example.com>, expired), ${young} (Twin <twin2@example.com>).`,
      hint: `Name one by its fingerprint: --gpg-recipient ${young}`,
    });
    expect(await check(young)).toEqual([young]);
  });

  it('that names a subkey with "!" is refused: it would not be heeded', async () => {
    const key = await owners.key('Exact <exact@example.com>');
    await imported(key);
    await expect(check(`${key}!`)).rejects.toMatchObject({ code: 'recipient-unusable', hint: 'Leave out the "!".' });
  });

  it('whose key has expired -> the day', async () => {
    const key = await owners.key('Old <old@example.com>', { madeAt: '20200101T000000', expires: '30d' });
    await imported(key);
    await expect(check('old@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `The key of the gpg recipient "old@example.com" (${key}) has expired on 2020-01-31.`,
      hint: expect.stringContaining('extend it'),
    });
    await expect(check(key)).rejects.toMatchObject({
      message: `The key of the gpg recipient ${key} has expired on 2020-01-31.`,
    });
  });

  it('whose subkey has expired -> the day', async () => {
    const past = await owners.key('Past <past@example.com>', {
      algorithm: 'ed25519',
      usage: 'sign',
      madeAt: '20200101T000000',
    });
    await owners.gpg([
      ...['--faked-system-time', '20200102T000000!', '--passphrase', ''],
      ...['--quick-add-key', past, 'cv25519', 'encr', '30d'],
    ]);
    await imported(past);
    await expect(check('past@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `The encryption subkey of the gpg recipient "past@example.com" (${past}) has expired on 2020-02-01.`,
    });
  });

  it('whose key has been revoked', async () => {
    const key = await owners.key('Lost <lost@example.com>');
    await owners.revoke(key);
    await imported(key);
    await expect(check('lost@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `The key of the gpg recipient "lost@example.com" (${key}) has been revoked.`,
      hint: expect.stringContaining('another key'),
    });
  });

  it('whose key has been disabled -> the command that enables it', async () => {
    const key = await owners.key('Off <off@example.com>');
    await imported(key);
    await ring.gpg(['--command-fd', '0', '--edit-key', key], 'disable\nsave\n');
    await expect(check('off@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `The key of the gpg recipient "off@example.com" (${key}) has been disabled in ${ring.home}.`,
      hint: `Enable it: GNUPGHOME=${ring.home} gpg --edit-key ${key} enable save`,
    });
  });

  it('whose key only signs', async () => {
    const key = await owners.key('Signer <signer@example.com>', { algorithm: 'ed25519', usage: 'sign' });
    await imported(key);
    await expect(check('signer@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: `The key of the gpg recipient "signer@example.com" (${key}) is not made for encryption.`,
    });
  });

  it('whose key nobody here has vouched for -> a command that does, and that works', async () => {
    const key = await owners.key('New <new@example.com>');
    await ring.takeFrom(owners, key);
    const refusal: unknown = await check('new@example.com').catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'recipient-unusable',
      message: `gpg does not trust the key of the gpg recipient "new@example.com" (${key}) enough to encrypt for it unasked.`,
      hint: expect.stringContaining(`echo ${key}:6: | GNUPGHOME=${ring.home} gpg --import-ownertrust`),
    });
    const command = /: (echo .*)$/.exec((refusal as { hint: string }).hint)?.[1] ?? '';
    await runText(['sh', '-c', command]);
    expect(await check('new@example.com')).toEqual([key]);
  });

  it('whose key is trusted under another of its names only is refused under this one', async () => {
    const me = await ring.key('Me <me@example.com>');
    const key = await owners.key('Mallory <mallory@example.com>');
    await owners.gpg(['--quick-add-uid', key, 'Bank <bank@example.com>']);
    await ring.takeFrom(owners, key);
    await ring.gpg(['-u', me, '--quick-lsign-key', key, 'Mallory <mallory@example.com>']);
    expect(await check('mallory@example.com')).toEqual([key]);
    await expect(check('bank@example.com')).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: expect.stringContaining('gpg does not trust the key of the gpg recipient "bank@example.com"'),
    });
  });

  it('whose key is only marginally valid is refused', async () => {
    const signer = await ring.key('Sponsor <sponsor@example.com>');
    const half = await owners.key('Carol <carol@example.com>');
    const key = await owners.key('Dave <dave@example.com>');
    await owners.gpg(['-u', half, '--quick-sign-key', key]);
    await ring.takeFrom(owners, half, key);
    await ring.gpg(['-u', signer, '--quick-lsign-key', half]);
    await ring.trust(half, 4);
    expect(await ring.gpg(['--with-colons', '--list-keys', key])).toMatch(/^pub:m:/m);
    await expect(check(key)).rejects.toMatchObject({
      code: 'recipient-unusable',
      message: expect.stringContaining('gpg does not trust the key'),
    });
  });

  it('is trusted where gpg.conf says that all are', async () => {
    const key = await owners.key('Any <any@example.com>');
    await using trusting = await gpgKeyring();
    await trusting.takeFrom(owners, key);
    const gpg = await findGpg({ home: trusting.home });
    await expect(checkRecipients(gpg, [key])).rejects.toMatchObject({ code: 'recipient-unusable' });
    await writeFile(join(trusting.home, 'gpg.conf'), 'trust-model always\n');
    expect(await checkRecipients(gpg, ['any@example.com'])).toEqual([key]);
  });

  it('is not blamed for a keyring that cannot be read', async () => {
    const gpg = await findGpg({ home: join(ring.home, 'no', 'such', 'folder') });
    await expect(checkRecipients(gpg, ['alice@example.com'])).rejects.toMatchObject({ code: 'program-failed' });
  });
});

describe('the program', () => {
  const savedPath = process.env.PATH;
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-gpg-path-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What findGpg finds with only these programs in PATH. */
  async function findIn(programs: Readonly<Record<string, string>>) {
    const bin = await mkdtemp(join(folder, 'bin-'));
    await mkdir(bin, { recursive: true });
    for (const [name, version] of Object.entries(programs)) {
      if (version === 'real') await symlink('/usr/bin/gpg', join(bin, name));
      else {
        await writeFile(join(bin, name), `#!/bin/sh\necho 'gpg (GnuPG) ${version}'\n`);
        await chmod(join(bin, name), 0o755);
      }
    }
    process.env.PATH = bin;
    try {
      return await findGpg({ home: ring.home });
    } finally {
      process.env.PATH = savedPath;
    }
  }

  it('is gpg, or gpg2 where there is no gpg or only version 1', async () => {
    expect(await findIn({ gpg: 'real', gpg2: 'real' })).toMatchObject({ program: 'gpg', home: ring.home });
    expect(await findIn({ gpg2: 'real' })).toMatchObject({ program: 'gpg2', home: ring.home });
    expect(await findIn({ gpg: '1.4.23', gpg2: 'real' })).toMatchObject({ program: 'gpg2' });
    expect(await findIn({ gpg: '2.0.22' })).toMatchObject({ program: 'gpg' });
  });

  it('that is missing or too old -> the package', async () => {
    await expect(findIn({})).rejects.toMatchObject({
      code: 'program-missing',
      message: expect.stringContaining('gpg2'),
      hint: expect.stringContaining('gnupg on Debian'),
    });
    await expect(findIn({ gpg: '1.4.23' })).rejects.toMatchObject({
      code: 'program-missing',
      message: expect.stringContaining('gpg is 1.4.23'),
    });
  });
});
