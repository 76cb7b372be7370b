/** A temporary access key of the instance's role. */
export interface TemporaryKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly issuedAtMs: number;
  /** Milliseconds since the epoch; AWS refuses the key from then on. */
  readonly expiresAtMs: number;
}

/** Where the metadata service gets the keys that it hands out. */
export interface RoleKeys {
  /** The key to hand out now: the same one until a newer one is due. */
  current(): TemporaryKey | Promise<TemporaryKey>;
}
