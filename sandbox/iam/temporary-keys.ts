import type { Clock } from '../../src/core/index.js';
import { Refusal } from '../server/refusal.js';
import type { KeyStore, StoredKey } from './key-file.js';
import { newAccessKey, newSessionToken, type TemporaryKey } from './keys.js';

/** How long a key is known after its end, so that clients hear of an expired token and not of an unknown key. */
const rememberedMs = 24 * 60 * 60 * 1000;

/** More temporary keys at a time than any use of the sandbox has. */
const mostKeys = 1_000;

/** The temporary keys of an account. */
export interface TemporaryKeys {
  /** Also finds keys that have ended, for a day at least. */
  find(accessKeyId: string): StoredKey | undefined;
  /** Throws a {@link Refusal} of the kind `throttled` when 1,000 keys have not ended yet. */
  issue(options: { readonly holder: StoredKey['holder']; readonly lifetimeMs: number }): TemporaryKey;
}

/** The temporary keys in the file of an account. */
export function temporaryKeys(store: KeyStore, { clock }: { readonly clock: Clock }): TemporaryKeys {
  const { content } = store;
  const keys = new Map(content.temporaryKeys.map((key) => [key.accessKeyId, key]));
  const forgetOld = (): void => {
    for (const key of keys.values()) if (key.expiresAtMs + rememberedMs <= clock.now()) keys.delete(key.accessKeyId);
    if (keys.size < mostKeys) return;
    const [first] = [...keys.values()].sort((a, b) => a.expiresAtMs - b.expiresAtMs);
    if (first === undefined || first.expiresAtMs > clock.now()) throw new Refusal('throttled', 'Rate exceeded');
    keys.delete(first.accessKeyId);
  };
  return {
    find: (accessKeyId) => keys.get(accessKeyId),
    issue: ({ holder, lifetimeMs }) => {
      forgetOld();
      const issuedAtMs = clock.now();
      const ends = { issuedAtMs, expiresAtMs: issuedAtMs + lifetimeMs };
      const key: TemporaryKey = { ...newAccessKey('ASIA'), sessionToken: newSessionToken(), ...ends };
      keys.set(key.accessKeyId, { ...key, holder });
      content.temporaryKeys = [...keys.values()];
      store.save();
      return key;
    },
  };
}
