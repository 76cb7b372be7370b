import { AppError } from '../core/index.js';
import type { Gpg } from './gpg.js';

/** What gpg has said. */
export interface GpgWords {
  /** By keyword, what stood behind it each time. */
  readonly status: Map<string, readonly string[]>;
  /** For people, without secrets. */
  readonly said: string[];
}

/** What else is known of a decryption that failed. */
export interface FailedDecryption {
  readonly gpg: Gpg;
  /** How the program ended; undefined where it ended well. */
  readonly error: AppError | undefined;
  readonly hasSessionKey: boolean;
}

/**
 * Codes of libgpg-error for a private key that is there and locked: bad passphrase, timeout, no pinentry, bad PIN, PIN
 * blocked, cancelled, no passphrase, fully cancelled, no agent.
 */
const lockedCodes: readonly number[] = [11, 62, 77, 85, 87, 88, 99, 177, 198];

/** Tells why gpg has not decrypted a message, and which way to take. */
export function decryptionError(words: GpgWords, failed: FailedDecryption): AppError {
  const { status } = words;
  const said = words.said.filter((line) => line !== '').join('; ');
  const make = (code: AppError['code'], message: string, hint: string): AppError =>
    new AppError(code, message, { hint, details: { gpg: failed.gpg.program, said, status: [...status.keys()] } });
  // By a signal, or because it could not be started: that tells nothing of the message.
  const signal = killedBy(failed.error);
  if (signal !== undefined) {
    return make('program-failed', `${failed.gpg.program} was killed by ${signal} while it decrypted.`, 'Run it again.');
  }
  if (!status.has('ENC_TO') && !status.has('BEGIN_DECRYPTION')) {
    return isOwnTrouble.test(said)
      ? make('program-failed', `${failed.gpg.program} could not decrypt the archive: ${said}.`, programHint(failed.gpg))
      : make('corrupt-archive', 'The archive is not encrypted with gpg, although its name says so.', damagedHint);
  }
  if (failed.hasSessionKey ? opensAsPlaintext(status) : status.has('PLAINTEXT')) {
    const what = status.has('BADMDC') ? 'bytes of it were changed' : 'it is cut off or damaged';
    return make('corrupt-archive', `The encrypted archive is damaged: ${what}. gpg says: ${said}.`, damagedHint);
  }
  if (failed.hasSessionKey) {
    return make(
      'wrong-session-key',
      'The session key that was given is not the one of this archive (or the beginning of the archive is damaged).',
      'Each archive object has one of its own. Get it where the private key is: aws s3api get-object --bucket BUCKET --key KEY --range bytes=0-524287 first.gpg, then gpg --decrypt --show-session-key first.gpg > /dev/null',
    );
  }
  if ((status.get('ERROR') ?? []).some(isLocked)) {
    return make(
      'passphrase-needed',
      `The private key for this archive, in ${failed.gpg.home}, is locked by a passphrase or PIN, and nobody can be asked.`,
      `Give the passphrase to gpg's agent beforehand (allow-preset-passphrase in gpg-agent.conf, then gpg-preset-passphrase --preset KEYGRIP), or decrypt the session key elsewhere and give it with --gpg-session-key.`,
    );
  }
  const missing = status.get('NO_SECKEY') ?? [];
  if (missing.length > 0) {
    return make(
      'no-secret-key',
      `The archive is encrypted for ${missing.length === 1 ? 'the key' : 'the keys'} ${missing.join(', ')}, and ${failed.gpg.home} has no private key of ${missing.length === 1 ? 'it' : 'them'}.`,
      'Import the private key (gpg --import), or, where it must not leave its machine, decrypt the session key there (gpg --decrypt --show-session-key) and give it with --gpg-session-key.',
    );
  }
  return make('corrupt-archive', `The encrypted archive is damaged at its beginning. gpg says: ${said}.`, damagedHint);
}

/**
 * Whether the first packet of plaintext is one that somebody made: a known format, a time since there is S3, a name that can
 * be read. `PLAINTEXT 62 1700000000 name`. What a wrong session key makes of a message passes for it once in a million.
 */
export function opensAsPlaintext(status: GpgWords['status']): boolean {
  const [format = '', seconds = '', name = ''] = status.get('PLAINTEXT')?.[0]?.split(' ') ?? [];
  // Binary, text, UTF-8; and neither control characters nor what is no UTF-8.
  return /^(?:62|74|75)$/.test(format) && Number(seconds) * 1000 > Date.UTC(2006, 0) && !/%[01]|\uFFFD/.test(name);
}

/**
 * What gpg says when it has not come as far as to look at the message. Of bytes that are called compressed and are not, it says
 * "Fatal" too.
 */
const isOwnTrouble =
  /invalid option|keyblock resource|homedir|can't (?:open|create|connect)|Permission denied|fatal(?!: \w+ inflate problem)/i;

/** `pkdecrypt_failed 67108949`: source and code of libgpg-error in one number. */
function isLocked(rest: string): boolean {
  const [what, number = ''] = rest.split(' ');
  return what === 'pkdecrypt_failed' && lockedCodes.includes(Number.parseInt(number, 10) & 0xffff);
}

/** Its own error is not handed on: what gpg has said on the way has the session key in it. */
function killedBy(error: AppError | undefined): string | undefined {
  const failure = error?.details.failure;
  const isKilled = typeof failure === 'object' && failure !== null && 'signal' in failure;
  return isKilled ? String(failure.signal) : undefined;
}

const damagedHint = 'Run it again. If it says the same, the object itself is damaged; archive the snapshot anew.';

function programHint({ program }: Gpg): string {
  return `See what ${program} is on this machine: ${program} --version. Reading archives takes GnuPG 2.1.16 or newer.`;
}
