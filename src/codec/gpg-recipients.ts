import { AppError } from '../core/index.js';
import { isProgramFailure, run } from '../process/index.js';
import { parseKeyList, type GpgKey } from './gpg-key-list.js';
import { gpgArguments, rehearse, type Gpg } from './gpg.js';

/**
 * Finds the key of each recipient and sees that gpg encrypts for it, without a question, now. Returns the fingerprints of
 * the primary keys, each once: encrypting for these leaves no room for another key of the same name. Throws
 * `recipient-unusable` for the first that cannot be used, `program-failed` where gpg does not work at all.
 */
export async function checkRecipients(
  gpg: Gpg,
  recipients: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const fingerprints = new Set<string>();
  for (const recipient of recipients) {
    const key = await findKey(gpg, recipient, signal);
    requireSound(key, recipient, gpg);
    await requireTrusted(key, recipient, { gpg, signal });
    fingerprints.add(key.fingerprint);
  }
  return [...fingerprints];
}

async function findKey(gpg: Gpg, recipient: string, signal: AbortSignal | undefined): Promise<GpgKey> {
  const name = JSON.stringify(recipient);
  if (recipient.endsWith('!')) {
    throw unusable(
      `The gpg recipient ${name} names one subkey by its "!"; archives are encrypted for whole keys.`,
      'Leave out the "!".',
    );
  }
  const keys = parseKeyList(await listKeys(gpg, recipient, signal));
  const [key, ...others] = keys;
  if (key === undefined) {
    throw unusable(
      `There is no key for the gpg recipient ${name} in ${gpg.home}.`,
      `Import it there, as the user that runs snap-to-s3: ${command(gpg)} --import key.asc`,
    );
  }
  if (others.length === 0) return key;
  const likely = keys.find(({ capabilities }) => capabilities.includes('E')) ?? key;
  throw unusable(
    `The gpg recipient ${name} could be any of ${keys.length} keys: ${keys.map(describe).join(', ')}.`,
    `Name one by its fingerprint: --gpg-recipient ${likely.fingerprint}`,
  );
}

async function listKeys(gpg: Gpg, recipient: string, signal: AbortSignal | undefined): Promise<string> {
  const argv = [...gpgArguments(gpg), '--with-colons', '--fixed-list-mode', '--list-keys', '--', recipient];
  try {
    return (await run(argv, { env: gpg.env, signal })).toString('utf8');
  } catch (error) {
    if (isNoKey(error)) return '';
    throw error;
  }
}

/** For a name that fits no key gpg fails, as it does for a keyring that it cannot read. */
function isNoKey(error: unknown): boolean {
  return (
    isProgramFailure(error) &&
    typeof error.details.stderr === 'string' &&
    /error reading key: (?:No public key|Not found|public key not found)/i.test(error.details.stderr)
  );
}

/** Refuses what no trust makes usable. */
function requireSound(key: GpgKey, recipient: string, gpg: Gpg): void {
  const name = nameOf(recipient, key);
  switch (key.validity) {
    case 'r':
      throw unusable(`The key of the gpg recipient ${name} has been revoked.`, newKeyHint(gpg));
    case 'e':
      throw unusable(`The key of the gpg recipient ${name} has expired${on(key.expires)}.`, renewHint(gpg));
    case 'i':
      throw unusable(`The key of the gpg recipient ${name} is invalid: its own signature is missing.`, newKeyHint(gpg));
  }
  if (key.capabilities.includes('D')) {
    throw unusable(
      `The key of the gpg recipient ${name} has been disabled in ${gpg.home}.`,
      `Enable it: ${command(gpg)} --edit-key ${key.fingerprint} enable save`,
    );
  }
  if (key.capabilities.includes('E')) return;
  const encrypting = key.subkeys.filter(({ capabilities }) => capabilities.includes('e'));
  const expired = encrypting.filter(({ validity }) => validity === 'e').at(-1);
  if (expired !== undefined) {
    throw unusable(
      `The encryption subkey of the gpg recipient ${name} has expired${on(expired.expires)}.`,
      renewHint(gpg),
    );
  }
  const revoked = encrypting.some(({ validity }) => validity === 'r');
  throw unusable(
    revoked
      ? `The encryption subkey of the gpg recipient ${name} has been revoked.`
      : `The key of the gpg recipient ${name} is not made for encryption.`,
    newKeyHint(gpg),
  );
}

/**
 * Leaves the question whether gpg trusts the key to gpg: it depends on which of the key's user ids was named, and on the
 * trust model in gpg.conf. Only a key that is marginally valid, which it takes with a remark that nobody sees, is refused.
 */
async function requireTrusted(
  key: GpgKey,
  recipient: string,
  { gpg, signal }: { readonly gpg: Gpg; readonly signal: AbortSignal | undefined },
): Promise<void> {
  let refusal: AppError | undefined;
  try {
    await rehearse(gpg, recipient, signal);
  } catch (error) {
    if (!isProgramFailure(error)) throw error;
    refusal = error;
  }
  if (refusal === undefined && key.validity !== 'm') return;
  const name = nameOf(recipient, key);
  if (refusal !== undefined && !/no assurance|unusable public key/i.test(refusal.message)) {
    throw unusable(`gpg cannot encrypt for the gpg recipient ${name}: ${refusal.message}`, undefined, refusal);
  }
  throw unusable(
    `gpg does not trust the key of the gpg recipient ${name} enough to encrypt for it unasked.`,
    `When you have made sure that the fingerprint is the right one: echo ${key.fingerprint}:6: | ${command(gpg)} --import-ownertrust`,
    refusal,
  );
}

function unusable(message: string, hint?: string, cause?: AppError): AppError {
  return new AppError('recipient-unusable', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `"alice" (fingerprint)`. */
function nameOf(recipient: string, { fingerprint }: GpgKey): string {
  return recipient === fingerprint ? recipient : `${JSON.stringify(recipient)} (${fingerprint})`;
}

const states: Readonly<Record<string, string>> = { r: ', revoked', e: ', expired' };

function describe({ fingerprint, userIds, validity }: GpgKey): string {
  return `${fingerprint} (${userIds[0] ?? 'no user id'}${states[validity] ?? ''})`;
}

function on(expires: Date | undefined): string {
  return expires === undefined ? '' : ` on ${expires.toISOString().slice(0, 10)}`;
}

function command({ program, env }: Gpg): string {
  return [...Object.entries(env).map(([name, value]) => `${name}=${value}`), program].join(' ');
}

function renewHint(gpg: Gpg): string {
  return `Have its owner extend it, and import it again: ${command(gpg)} --import key.asc`;
}

function newKeyHint(gpg: Gpg): string {
  return `Ask its owner for another key, import it (${command(gpg)} --import key.asc), and name that one.`;
}
