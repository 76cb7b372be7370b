import { AppError, isAbort } from '../core/index.js';
import { runText, throughProgram, type ProgramStage } from '../process/index.js';

/** The gpg of this system and the keyring it works on. */
export interface Gpg {
  /** `gpg` or `gpg2`. */
  readonly program: string;
  /** The directory of its keyring. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where gpg is told to look. */
export interface GpgOptions {
  /** What GNUPGHOME says; undefined: gpg's own default, `.gnupg` in the home directory. */
  readonly home: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const installHint =
  'Install GnuPG 2; the package is named gnupg on Debian and Ubuntu, gnupg2 on Amazon Linux, Fedora and SUSE.';

/** Finds the program: `gpg` where that is version 2, else `gpg2`. Throws `program-missing`. */
export async function findGpg({ home, signal }: GpgOptions): Promise<Gpg> {
  const env = home === undefined || home === '' ? {} : { GNUPGHOME: home };
  const tooOld: string[] = [];
  for (const program of ['gpg', 'gpg2']) {
    const said = await versionOf(program, { env, signal });
    if (said === undefined) continue;
    const version = /^gpg \(GnuPG\S*\) (?<version>\S+)/m.exec(said)?.groups?.version ?? '';
    if (/^[01]\./.test(version)) tooOld.push(`${program} is ${version}`);
    else return { program, home: /^Home: (?<home>.+)$/m.exec(said)?.groups?.home ?? home ?? '~/.gnupg', env };
  }
  throw new AppError(
    'program-missing',
    tooOld.length === 0
      ? 'The program gpg, which encrypts for --gpg-recipient, is not installed; nor is gpg2.'
      : `Encrypting for --gpg-recipient takes GnuPG 2: ${tooOld.join(', ')}, and there is no other.`,
    { hint: installHint },
  );
}

async function versionOf(
  program: string,
  options: { readonly env: Readonly<Record<string, string>>; readonly signal: AbortSignal | undefined },
): Promise<string | undefined> {
  try {
    return await runText([program, '--version'], options);
  } catch (error) {
    if (!isAbort(error) && error instanceof AppError && error.code === 'program-missing') return undefined;
    throw error;
  }
}

/** The beginning of every call: nothing is asked, and no key is looked for in the network. */
export function gpgArguments({ program }: Gpg): readonly string[] {
  return [
    program,
    '--batch',
    '--no-tty',
    '--utf8-strings',
    '--display-charset=utf-8',
    '--no-auto-key-locate',
    // A name that stands for others in gpg.conf is not the key that was asked for.
    '--no-groups',
  ];
}

/** What of the owner's gpg.conf would make another file of it: text, ASCII armor, additional recipients, packets of old. */
const plainEncryption = [
  '--gnupg',
  '--force-mdc',
  '--no-textmode',
  '--no-armor',
  '--no-encrypt-to',
  '--no-for-your-eyes-only',
  // No name, as of any stream.
  ...['--set-filename', ''],
  // It is compressed already.
  '--compress-algo=none',
  ...['--output', '-', '--encrypt'],
];

/**
 * Makes a stage that encrypts what passes for all these keys, any of which decrypts it alone; it is one OpenPGP message
 * of packets with partial lengths, and of any size. The keys must have been checked (`checkRecipients`): only that they
 * are not expired or revoked is looked at again. Throws what the source throws, `program-missing`, `program-failed`.
 */
export function encryptFor(gpg: Gpg, fingerprints: readonly string[]): ProgramStage {
  if (fingerprints.length === 0) throw new AppError('internal', 'Encryption for nobody was asked for.');
  const through = throughProgram(
    [
      ...gpgArguments(gpg),
      '--quiet',
      // Whether they are the right persons' keys was decided before; in the middle of a run it cannot change any more.
      '--trust-model=always',
      ...plainEncryption,
      ...fingerprints.flatMap((fingerprint) => ['--recipient', fingerprint]),
    ],
    { env: gpg.env },
  );
  return async function* (source, options) {
    let plainBytes = 0;
    let encryptedBytes = 0;
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const bytes of source) {
        plainBytes += bytes.length;
        yield bytes;
      }
    }
    for await (const bytes of through(counted(), options)) {
      encryptedBytes += bytes.length;
      yield bytes;
    }
    if (encryptedBytes > plainBytes) return;
    throw new AppError(
      'program-failed',
      `${gpg.program} made ${encryptedBytes} bytes of ${plainBytes}: that cannot be all of it, encrypted.`,
      { hint: `See what ${gpg.program} is on this machine: command -v ${gpg.program}` },
    );
  };
}

/** Encrypts nothing for one recipient, as the owner of the keyring would. Throws what gpg says against it. */
export async function rehearse(gpg: Gpg, recipient: string, signal?: AbortSignal): Promise<void> {
  await runText([...gpgArguments(gpg), ...plainEncryption, '--recipient', recipient], { env: gpg.env, signal });
}
