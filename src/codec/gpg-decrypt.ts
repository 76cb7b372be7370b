import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../core/index.js';
import { isProgramFailure, throughProgram, type ProgramStage } from '../process/index.js';
import { gpgArguments, type Gpg } from './gpg.js';
import { decryptionError, opensAsPlaintext, type GpgWords } from './gpg-decrypt-failure.js';

/** How a message is decrypted. */
export interface DecryptOptions {
  /** `9:D41D8C…`, as `gpg --show-session-key` prints it; else a private key of the keyring does it. */
  readonly sessionKey?: string | undefined;
}

/** Where gpg finds the session key: on no command line, which everybody on this machine can read. */
const sessionKeyDescriptor = 3;

/** How long the words of gpg may be behind its bytes, in ms: it writes them before, so this is for a program that is none. */
const longestBehindMs = 10_000;

/** Throws `usage` for what is no session key. It never says what was given: that is a secret. */
export function checkSessionKey(text: string): string {
  // A number for the algorithm, and at least the 16 bytes of the smallest ones.
  if (/^\d{1,3}:(?:[0-9A-Fa-f]{2}){16,64}$/.test(text)) return text;
  throw new AppError('usage', 'What was given as the session key is none.', {
    hint: 'It looks like 9:D41D8C… (a number, a colon, 32 or more hexadecimal digits), as gpg --show-session-key prints it.',
  });
}

/**
 * Makes a stage that decrypts one OpenPGP message, never asking anybody anything. What it gives is proven only when it has
 * ended: then gpg has verified the whole message. With a wrong session key it gives nothing. Throws what the source throws, `no-secret-key`, `passphrase-needed`,
 * `wrong-session-key`, `corrupt-archive` for a message that is damaged, cut off, or not encrypted, `program-missing` and
 * `program-failed`. The session key is in none of these.
 */
export function decryptWith(gpg: Gpg, { sessionKey }: DecryptOptions = {}): ProgramStage {
  const usual = [
    // A pinentry would wait on somebody's screen.
    '--pinentry-mode=error',
    ...['--status-fd', '2'],
    ...(sessionKey === undefined ? [] : ['--override-session-key-fd', String(sessionKeyDescriptor)]),
    ...['--output', '-', '--decrypt'],
  ];
  return async function* (source, options) {
    if (sessionKey === undefined) await requireHome(gpg);
    // It needs no keyring, and where there is none gpg would end with a failure when all is decrypted.
    const needsNone = sessionKey !== undefined && !(await isDirectory(gpg.home));
    const argv = [...gpgArguments(gpg), ...(needsNone ? ['--no-keyring'] : []), ...usual];
    const words: GpgWords = { status: new Map(), said: [] };
    const through = throughProgram(argv, {
      env: gpg.env,
      onStderrLine: (line) => note(line, words),
      ...(sessionKey === undefined ? {} : { gives: [`${checkSessionKey(sessionKey)}\n`] }),
    });
    const refusal = (error?: AppError): AppError =>
      decryptionError(words, { gpg, error, hasSessionKey: sessionKey !== undefined });
    try {
      const bytes = through(source, options);
      yield* sessionKey === undefined ? bytes : onlyPlaintext(bytes, words, refusal);
    } catch (error) {
      throw isProgramFailure(error) && error.details.argv === argv ? refusal(error) : error;
    }
    // It lets pass what was never encrypted.
    if (!words.status.has('DECRYPTION_OKAY')) throw refusal();
  };
}

/** The keyring that GNUPGHOME names; its own, in the home directory, gpg makes where it is missing. */
async function requireHome({ env }: Gpg): Promise<void> {
  const { GNUPGHOME: home } = env;
  if (home === undefined || (await isDirectory(home))) return;
  const text = `The archive is encrypted, and GNUPGHOME is ${home}, which is no directory: there is no keyring to decrypt it with.`;
  throw new AppError('no-secret-key', text, {
    hint: 'Name the directory of the keyring that has the private key, or give the session key with --gpg-session-key.',
  });
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Passes on what gpg gives when it is told to believe a session key. It does: of what a wrong one makes of the message, one
 * in 35 looks enough like a packet of plaintext for its first bytes to come out, until the end shows that nothing was right.
 */
async function* onlyPlaintext(
  bytes: AsyncGenerator<Buffer, void>,
  { status }: GpgWords,
  refusal: () => AppError,
): AsyncGenerator<Buffer, void> {
  let isChecked = false;
  for await (const some of bytes) {
    if (!isChecked) {
      // What stands on the other pipe was written before these bytes, and may be read after them.
      for (let waited = 0; !status.has('PLAINTEXT') && waited < longestBehindMs; waited += 10) await delay(10);
      if (!opensAsPlaintext(status)) throw refusal();
      isChecked = true;
    }
    yield some;
  }
}

/** The status lines of gpg (doc/DETAILS), and the last of what it says to people. */
function note(line: string, { status, said }: GpgWords): void {
  const found = /^\[GNUPG:\] (\w+) ?(.*)$/.exec(line);
  if (found === null) {
    // gpg tells the session key that it was given.
    if (line.includes('seskey')) return;
    said.push(line.replace(/^gpg: /, '').trim());
    if (said.length > 6) said.shift();
    return;
  }
  const [, keyword = '', rest = ''] = found;
  const rests = status.get(keyword) ?? [];
  // One for each recipient, or each packet: no more than a person would read.
  if (rests.length < 64) status.set(keyword, [...rests, rest]);
}
