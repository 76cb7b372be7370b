import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runText } from '../../src/process/index.js';

/** How a key is made. */
export interface KeyOptions {
  /** As `gpg --quick-gen-key` takes it. Default: one to sign with a subkey to encrypt with. */
  readonly algorithm?: string;
  readonly usage?: string;
  /** Default: never. */
  readonly expires?: string;
  /** The day on which it is made, `20200101T000000`; now unless told otherwise. */
  readonly madeAt?: string;
  /** Default: none. */
  readonly passphrase?: string;
}

/** A GNUPGHOME of its own, with real keys without passphrase. */
export interface GpgKeyring extends AsyncDisposable {
  /** For GNUPGHOME. */
  readonly home: string;
  gpg(argv: readonly string[], input?: string | Uint8Array): Promise<string>;
  /** Makes a key, ultimately trusted, and returns its fingerprint. */
  key(userId: string, options?: KeyOptions): Promise<string>;
  /** Takes over public keys of another keyring, not trusted. */
  takeFrom(other: GpgKeyring, ...fingerprints: string[]): Promise<void>;
  /** `2` unknown, `4` marginal, `5` full, `6` ultimate. */
  trust(fingerprint: string, level: 2 | 4 | 5 | 6): Promise<void>;
  revoke(fingerprint: string): Promise<void>;
  /** The session key of a message for one of its keys, as people get it: from the beginning of the message. */
  sessionKey(message: Buffer): Promise<string>;
}

/** Makes an empty one. Its agent ends with it. */
export async function gpgKeyring(): Promise<GpgKeyring> {
  // Sockets lie in it: the path must be short.
  const home = await mkdtemp(join(tmpdir(), 'gpg-'));
  const env = { GNUPGHOME: home };
  const gpg = (argv: readonly string[], input?: string | Uint8Array): Promise<string> =>
    runText(['gpg', '--batch', '--quiet', '--no-tty', '--utf8-strings', '--yes', ...argv], {
      env,
      ...(input === undefined ? {} : { input }),
    });
  return {
    home,
    gpg,
    key: async (
      userId,
      { algorithm = 'future-default', usage = 'default', expires = 'never', madeAt, passphrase = '' } = {},
    ) => {
      const time = madeAt === undefined ? [] : ['--faked-system-time', `${madeAt}!`];
      const words = [
        '--pinentry-mode',
        'loopback',
        '--passphrase',
        passphrase,
        '--status-fd',
        '1',
        '--quick-gen-key',
        userId,
        algorithm,
        usage,
        expires,
      ];
      const said = await gpg([...time, ...words]);
      return /KEY_CREATED \w (\w+)/.exec(said)?.[1] ?? '';
    },
    takeFrom: async (other, ...fingerprints) => {
      await gpg(['--import'], await other.gpg(['--export', '--armor', ...fingerprints]));
    },
    trust: async (fingerprint, level) => {
      await gpg(['--import-ownertrust'], `${fingerprint}:${level}:\n`);
    },
    revoke: async (fingerprint) => {
      const certificate = await readFile(join(home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8');
      await gpg(['--import'], certificate.replace(/^:/m, ''));
    },
    sessionKey: async (message) => {
      const argv = ['gpg', '--batch', '--no-tty', '--show-session-key', '--decrypt'];
      let key = '';
      const onStderrLine = (line: string): void => {
        key = /session key: '(\d+:[0-9A-F]+)'/.exec(line)?.[1] ?? key;
      };
      // It ends with an error: this is not all of the message.
      await run(argv, { env, input: message.subarray(0, 524_288), onStderrLine }).catch(() => undefined);
      return key;
    },
    [Symbol.asyncDispose]: async () => {
      await run(['gpgconf', '--kill', 'all'], { env });
      await rm(home, { recursive: true, force: true });
    },
  };
}
