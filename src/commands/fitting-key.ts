import { AppError } from '../core/index.js';
import type { ProgramStage } from '../process/index.js';
import type { FoundObject } from './find-archive.js';
import { openObject, type ReadDependencies } from './read-object.js';

/** How encrypted objects are read. */
export type Decryption =
  /** With the private keys that gpg has. */
  | { readonly kind: 'keys'; readonly decrypt: ProgramStage }
  /** Each with the session key of a single message. */
  | { readonly kind: 'session-keys'; readonly decrypt: readonly ProgramStage[] };

/** What an object goes through when it is read. */
export interface FittingKeys {
  /** Undefined where it is not encrypted. */
  readonly decrypt: ProgramStage | undefined;
  /** Of its index, which is a message of its own; undefined also where its session key was not given. */
  readonly decryptIndex: ProgramStage | undefined;
}

type TryDependencies = Omit<ReadDependencies, 'decrypt' | 'streams' | 'onReceived'>;

/**
 * Finds what an object and its index are decrypted with. Which of several session keys is whose is tried: gpg refuses a
 * wrong one before it gives anything. Throws `wrong-session-key` where none is that of the object, and what `openObject`
 * throws.
 */
export async function fittingKeys(
  { stored, name, index }: FoundObject,
  { decryption, ...dependencies }: TryDependencies & { readonly decryption: Decryption },
): Promise<FittingKeys> {
  if (!name.encrypted) return { decrypt: undefined, decryptIndex: undefined };
  if (decryption.kind === 'keys') return { decrypt: decryption.decrypt, decryptIndex: decryption.decrypt };
  const decrypt = await fittingKey(stored.key, decryption.decrypt, dependencies);
  if (index === undefined) return { decrypt, decryptIndex: undefined };
  const decryptIndex = await fittingKey(index.key, decryption.decrypt, dependencies).catch((error: unknown) => {
    if (isWrongSessionKey(error)) return undefined;
    throw error;
  });
  return { decrypt, decryptIndex };
}

/**
 * Finds what the index of an encrypted object is decrypted with; the object itself may be frozen, and needs no key. Throws
 * `wrong-session-key` where none of those given is that of the index, and what `openObject` throws.
 */
export async function fittingIndexKey(
  key: string,
  { decryption, ...dependencies }: TryDependencies & { readonly decryption: Decryption },
): Promise<ProgramStage> {
  if (decryption.kind === 'keys') return decryption.decrypt;
  try {
    return await fittingKey(key, decryption.decrypt, dependencies);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'wrong-session-key') throw error;
    throw new AppError(error.code, `None of the session keys that were given is that of the index ${key}.`, {
      hint: 'The index is a message of its own, with a session key of its own: decrypt the first 512 KiB of that object where the private key is, with gpg --decrypt --show-session-key.',
      cause: error,
    });
  }
}

async function fittingKey(
  key: string,
  stages: readonly ProgramStage[],
  dependencies: TryDependencies,
): Promise<ProgramStage> {
  let refusal: unknown;
  for (const decrypt of stages) {
    const object = await openObject({ key, encrypted: true }, { ...dependencies, decrypt, streams: 1 });
    try {
      for await (const _ of object.bytes()) break;
      return decrypt;
    } catch (error) {
      if (!isWrongSessionKey(error)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function isWrongSessionKey(error: unknown): boolean {
  return error instanceof AppError && error.code === 'wrong-session-key';
}
