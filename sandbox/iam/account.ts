import type { Clock } from '../../src/core/index.js';
import type { KeyStore } from './key-file.js';
import type { Policy } from './policy/index.js';
import type { TemporaryKeys } from './temporary-keys.js';

/** What the users and roles of one account share. */
export interface Account {
  readonly accountId: string;
  readonly clock: Clock;
  readonly store: KeyStore;
  readonly temporaryKeys: TemporaryKeys;
}

/** Who a user or role is. */
export interface NewPrincipal {
  /** Letters, digits and `+ = , . @ _ -`, at most 64 of them. */
  readonly name: string;
  readonly policies: readonly Policy[];
  /** They are the condition keys `aws:PrincipalTag/…`. */
  readonly tags?: Readonly<Record<string, string>>;
}
