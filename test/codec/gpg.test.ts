import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRecipients, encryptFor, findGpg } from '../../src/codec/index.js';
import { run } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';

let owner: GpgKeyring;
let second: GpgKeyring;
let ring: GpgKeyring;
let keys: string[] = [];
beforeAll(async () => {
  [owner, second, ring] = await Promise.all([gpgKeyring(), gpgKeyring(), gpgKeyring()]);
  const first = await owner.key('First <first@example.com>');
  const other = await second.key('Second <second@example.com>', { algorithm: 'rsa2048' });
  await second.gpg(['--passphrase', '', '--quick-add-key', other, 'rsa2048', 'encr']);
  await ring.takeFrom(owner, first);
  await ring.takeFrom(second, other);
  await ring.trust(first, 6);
  await ring.trust(other, 6);
  keys = [first, other];
});
afterAll(async () => {
  for (const each of [owner, second, ring]) await each[Symbol.asyncDispose]();
});

async function encrypted(content: Buffer, fingerprints = keys): Promise<Buffer> {
  return collected(encryptFor(await findGpg({ home: ring.home }), fingerprints)(inPieces(content)));
}

async function* inPieces(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 100_000) yield await Promise.resolve(content.subarray(at, at + 100_000));
}

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const decrypted = ({ home }: GpgKeyring, message: Buffer): Promise<Buffer> =>
  run(['gpg', '--batch', '--quiet', '--decrypt'], { input: message, env: { GNUPGHOME: home } });

describe('what is encrypted', () => {
  it.each([0, 1, 511, 512, 8191, 8192, 8193, 5_000_000])(
    '%d bytes: each of the keys alone gives them back',
    async (bytes) => {
      const content = randomBytes(bytes);
      const message = await encrypted(content);
      for (const keyring of [owner, second]) expect((await decrypted(keyring, message)).equals(content)).toBe(true);
      // A part in a thousand, and a key packet for each recipient.
      expect(message.length).toBeLessThan(bytes * 1.001 + 2048);
    },
  );

  it('is a binary message with integrity protection, without name and compression, and for nobody else', async () => {
    const packets = (
      await run(['gpg', '--batch', '--list-packets', '--verbose'], {
        input: await encrypted(Buffer.from('line\r\nline\n')),
        env: { GNUPGHOME: owner.home },
      })
    ).toString();
    expect(packets.match(/^:pubkey enc packet:/gm)).toHaveLength(2);
    expect(packets).toMatch(/^:encrypted data packet:\n.*\n?\s*mdc_method: 2$/m);
    expect(packets).toMatch(/^:literal data packet:\n\s+mode b .*name="",\n?/m);
    expect(packets).not.toContain('compressed packet');
  });

  it('is so whatever the gpg.conf of the machine says', async () => {
    const stranger = await ring.key('Stranger <stranger@example.com>');
    const conf = join(ring.home, 'gpg.conf');
    const lines = [
      'armor',
      'textmode',
      `encrypt-to ${stranger}`,
      'set-filename secret',
      'rfc2440',
      'compress-algo zip',
    ];
    await writeFile(conf, `${[...lines, `group ${keys[0] ?? ''}=${stranger}`].join('\n')}\n`);
    try {
      const content = Buffer.from('one\r\ntwo\nthree\r\n\0\xff', 'latin1');
      const message = await encrypted(content);
      expect((message[0] ?? 0) & 0x80).toBe(0x80);
      expect((await decrypted(owner, message)).equals(content)).toBe(true);
      await expect(decrypted(ring, message)).rejects.toMatchObject({ code: 'program-failed' });
    } finally {
      await rm(conf);
    }
  });

  it('is not, when a key was revoked or vanished since it was checked', async () => {
    await using later = await gpgKeyring();
    const key = await later.key('Later <later@example.com>');
    const gpg = await findGpg({ home: later.home });
    const encrypt = encryptFor(gpg, await checkRecipients(gpg, [key]));
    const work = (): Promise<Buffer> => collected(encrypt(inPieces(randomBytes(300_000))));
    expect((await work()).length).toBeGreaterThan(300_000);
    await later.revoke(key);
    await expect(work()).rejects.toMatchObject({
      code: 'program-failed',
      message: expect.stringMatching(/^gpg failed/),
    });
    await later.gpg(['--delete-secret-and-public-key', key]);
    await expect(work()).rejects.toMatchObject({ code: 'program-failed', message: expect.stringContaining(key) });
  });
});

describe('a gpg that is none', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-gpg-fake-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['gives back what it got', 'cat', /made 5000000 bytes of 5000000: that cannot be all of it, encrypted/],
    ['reads everything and writes little', 'cat > /dev/null; echo nothing', /made 8 bytes of 5000000/],
    ['reads a part', 'head -c 100000', /ended before it had read all of its input/],
  ])('because it %s and ends well -> fails', async (_, body, sentence) => {
    const program = join(folder, 'gpg');
    const proof = join(folder, 'ran');
    await writeFile(program, `#!/bin/sh\necho ran > '${proof}'\n${body}\n`);
    await chmod(program, 0o755);
    const encrypt = encryptFor({ program, home: '', env: {} }, keys);
    await expect(collected(encrypt(inPieces(randomBytes(5_000_000))))).rejects.toMatchObject({
      code: 'program-failed',
      message: expect.stringMatching(sentence),
    });
    expect(await readFile(proof, 'utf8')).toBe('ran\n');
    await rm(proof);
  });
});
