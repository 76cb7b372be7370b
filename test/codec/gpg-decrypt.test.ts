import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkSessionKey,
  decryptWith,
  encryptFor,
  findGpg,
  type DecryptOptions,
  type Gpg,
} from '../../src/codec/index.js';
import { AppError, KiB } from '../../src/core/index.js';
import { run } from '../../src/process/index.js';
import { gpgKeyring, type GpgKeyring } from '../support/gpg-keyring.js';

const plain = randomBytes(700 * KiB);
let ours: GpgKeyring;
let others: GpgKeyring;
let gpg: Gpg;
let encrypted: Buffer;
let locked: Buffer;
let sessionKey: string;
beforeAll(async () => {
  ours = await gpgKeyring();
  others = await gpgKeyring();
  gpg = await findGpg({ home: ours.home });
  const key = await ours.key('Open <open@example.com>');
  encrypted = await collect(encryptFor(gpg, [key])(pieces(plain)));
  const lockedKey = await ours.key('Locked <locked@example.com>', { passphrase: 'secret' });
  locked = await collect(encryptFor(gpg, [lockedKey])(pieces(plain)));
  await ours.gpg(['--version']);
  await run(['gpgconf', '--kill', 'gpg-agent'], { env: { GNUPGHOME: ours.home } });
  sessionKey = await ours.sessionKey(encrypted);
});
afterAll(async () => {
  await ours[Symbol.asyncDispose]();
  await others[Symbol.asyncDispose]();
});

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield await Promise.resolve(bytes.subarray(at, at + 65_536));
}
async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const bytes of source) all.push(bytes);
  return Buffer.concat(all);
}
const decrypt = (message: Buffer, options: DecryptOptions = {}, keyring = gpg): Promise<Buffer> =>
  collect(decryptWith(keyring, options)(pieces(message)));
const strangers = (): Promise<Gpg> => findGpg({ home: others.home });
const withBitAt = (at: number): Buffer => {
  const damaged = Buffer.from(encrypted);
  damaged[at] = (damaged[at] ?? 0) ^ 1;
  return damaged;
};

describe('decryption', () => {
  it('with the private key gives what was encrypted', async () => {
    expect((await decrypt(encrypted)).equals(plain)).toBe(true);
  });

  it('with the session key takes no private key', async () => {
    expect((await decrypt(encrypted, { sessionKey }, await strangers())).equals(plain)).toBe(true);
  });

  it('without the private key -> `no-secret-key`, and both ways out', async () => {
    await expect(decrypt(encrypted, {}, await strangers())).rejects.toMatchObject({
      code: 'no-secret-key',
      message: expect.stringMatching(/encrypted for the key [0-9A-F]{16}, and .* has no private key of it/),
      hint: expect.stringMatching(/gpg --import.*--gpg-session-key/),
    });
  });

  it('with a locked private key asks nobody -> `passphrase-needed`', async () => {
    await expect(decrypt(locked)).rejects.toMatchObject({
      code: 'passphrase-needed',
      hint: expect.stringContaining('gpg-preset-passphrase'),
    });
  });

  it('with the session key of another message -> `wrong-session-key`', async () => {
    const other = `9:${'0123456789ABCDEF'.repeat(4)}`;
    await expect(decrypt(encrypted, { sessionKey: other }, await strangers())).rejects.toMatchObject({
      code: 'wrong-session-key',
      hint: expect.stringContaining('--show-session-key'),
    });
    // Of an algorithm with another key length.
    await expect(decrypt(encrypted, { sessionKey: `7:${'00'.repeat(16)}` })).rejects.toMatchObject({
      code: 'wrong-session-key',
    });
  });

  it('with a wrong session key that makes gpg give something all the same gives nothing', async () => {
    let found: string | undefined;
    const env = { GNUPGHOME: others.home };
    const argv = ['gpg', '--batch', '--status-fd', '2', '--override-session-key-fd', '3', '--decrypt'];
    // One in 35 is such.
    for (let tries = 0; tries < 1000 && found === undefined; tries += 1) {
      const wrong = `9:${randomBytes(32).toString('hex')}`;
      const onStderrLine = (line: string): void => {
        if (line.startsWith('[GNUPG:] PLAINTEXT ')) found = wrong;
      };
      await run(argv, { input: encrypted, env, gives: [`${wrong}\n`], onStderrLine }).catch(() => undefined);
    }
    const given: Buffer[] = [];
    const decryption = async (): Promise<void> => {
      const stage = decryptWith(await strangers(), { sessionKey: found });
      for await (const bytes of stage(pieces(encrypted))) given.push(bytes);
    };
    expect(found).toBeDefined();
    await expect(decryption()).rejects.toMatchObject({ code: 'wrong-session-key' });
    expect(given).toEqual([]);
  });

  it.each([50_000, 300_000, 716_000])('of a message with another bit in byte %i -> `corrupt-archive`', async (at) => {
    await expect(decrypt(withBitAt(at))).rejects.toMatchObject({ code: 'corrupt-archive' });
  });

  it.each([1, 100, 1000, 65_536, 400_000, -22, -1])('of a message cut at %i -> `corrupt-archive`', async (at) => {
    await expect(decrypt(encrypted.subarray(0, at))).rejects.toMatchObject({ code: 'corrupt-archive' });
  });

  it('of what is no message, or was never encrypted -> `corrupt-archive`', async () => {
    const stored = await run(['gpg', '--batch', '--store', '-o', '-'], { input: plain, env: { GNUPGHOME: ours.home } });
    // What bytes mean to gpg depends on the first one, which tells the kind of packet.
    const noMessages = [0x00, 0x2d, 0x84, 0x8c, 0xa3, 0xc1, 0xcb, 0xd2, 0xff].map((first) => {
      return Buffer.concat([Buffer.from([first]), plain]);
    });
    // What is no such thing, but called compressed with ZIP, ZLIB and BZip2: there gpg speaks of something fatal.
    const notCompressed = [1, 2, 3].map((algorithm) => Buffer.from([0xa3, algorithm, ...Buffer.alloc(5000, 0x77)]));
    for (const message of [Buffer.alloc(0), ...noMessages, ...notCompressed, stored]) {
      await expect(decrypt(message)).rejects.toMatchObject({ code: 'corrupt-archive' });
    }
  });

  it('by a gpg that is too old says so of gpg, not of the message', async () => {
    const program = join(ours.home, 'old-gpg');
    const script = '#!/bin/sh\necho "gpg: invalid option \\"--override-session-key-fd\\"" >&2\nexit 2\n';
    await writeFile(program, script, { mode: 0o755 });
    await expect(decrypt(encrypted, { sessionKey }, { ...gpg, program })).rejects.toMatchObject({
      code: 'program-failed',
      hint: expect.stringContaining('2.1.16'),
    });
  });

  it('with a home that is not there: the session key alone is enough, else that is what is said', async () => {
    const homes = [join(ours.home, 'absent'), join(ours.home, 'pubring.kbx')];
    for (const home of homes) {
      const homeless = await findGpg({ home });
      expect((await decrypt(encrypted, { sessionKey }, homeless)).equals(plain)).toBe(true);
      await expect(decrypt(encrypted, {}, homeless)).rejects.toMatchObject({
        code: 'no-secret-key',
        message: `The archive is encrypted, and GNUPGHOME is ${home}, which is no directory: there is no keyring to decrypt it with.`,
        hint: expect.stringContaining('--gpg-session-key'),
      });
      await expect(decrypt(withBitAt(300_000), { sessionKey }, homeless)).rejects.toMatchObject({
        code: 'corrupt-archive',
      });
    }
  });

  it('of a message with something behind it is not believed', async () => {
    await expect(decrypt(Buffer.concat([encrypted, Buffer.from('behind it')]))).rejects.toMatchObject({
      code: 'corrupt-archive',
    });
  });

  it('fails with what its source fails with', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield* pieces(encrypted.subarray(0, 200_000));
      throw await Promise.resolve(new Error('the source is gone'));
    }
    await expect(collect(decryptWith(gpg)(failing()))).rejects.toThrow('the source is gone');
  });
});

describe('the session key', () => {
  it('stands on no command line', async () => {
    const seen: string[] = [];
    async function* watching(): AsyncGenerator<Buffer> {
      for await (const bytes of pieces(encrypted)) {
        for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
          const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
          if (line.includes('--override-session-key')) seen.push(line);
        }
        yield bytes;
      }
    }
    await collect(decryptWith(gpg, { sessionKey })(watching()));
    expect(seen.length).toBeGreaterThan(0);
    for (const line of seen) expect(line).not.toContain(sessionKey.slice(2));
  });

  it('stands in no error', async () => {
    const failure: unknown = await decrypt(withBitAt(300_000), { sessionKey }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AppError);
    const { message, hint, details, cause } = failure as AppError;
    expect(JSON.stringify([message, hint, details, String(cause)])).not.toContain(sessionKey.slice(2));
  });

  it('stands in no error of a gpg that was killed', async () => {
    async function* killing(): AsyncGenerator<Buffer> {
      yield encrypted.subarray(0, 300_000);
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        const env = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        if (line.includes('--override-session-key') && env.includes(ours.home)) process.kill(Number(pid), 'SIGKILL');
      }
      yield encrypted.subarray(300_000);
    }
    const failure: unknown = await collect(decryptWith(gpg, { sessionKey })(killing())).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'program-failed', message: expect.stringContaining('SIGKILL') });
    const { message, details, cause } = failure as AppError;
    expect(JSON.stringify([message, details, cause ?? null])).not.toContain(sessionKey.slice(2));
  });

  it('is checked, and not repeated when it is none', () => {
    expect(checkSessionKey(sessionKey)).toBe(sessionKey);
    for (const text of [
      '',
      '9:',
      `9:${'0'.repeat(31)}`,
      '9:secret-secret-secret-secret-secret',
      `x:${'00'.repeat(32)}`,
    ]) {
      expect(() => checkSessionKey(text)).toThrow(
        expect.objectContaining({ code: 'usage', message: expect.not.stringContaining('secret') }),
      );
    }
  });
});
