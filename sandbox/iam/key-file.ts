import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../src/core/index.js';

const heldKey = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

const temporaryKey = heldKey.extend({
  sessionToken: z.string(),
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  holder: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('role-session'),
      role: z.string(),
      sessionName: z.string(),
      /** The JSON of the policy that narrows the session, if one does. */
      sessionPolicy: z.string().nullable(),
    }),
    z.object({ kind: z.literal('user'), user: z.string() }),
  ]),
});

const keyFile = z.object({
  version: z.literal(1),
  /** By name. */
  users: z.record(z.string(), z.object({ id: z.string(), key: heldKey })),
  /** By name. Sessions that were issued before `revokedBeforeMs` may do nothing any more. */
  roles: z.record(z.string(), z.object({ id: z.string(), revokedBeforeMs: z.number().nullable() })),
  temporaryKeys: z.array(temporaryKey),
});

/** A temporary key as it is remembered, with whose it is. */
export type StoredKey = z.infer<typeof temporaryKey>;

/** What of an account's identities outlives the sandbox: ids and keys, not policies. */
export type KeyFile = z.infer<typeof keyFile>;

/** The file, read once and written after every change. */
export interface KeyStore {
  readonly content: KeyFile;
  /**
   * Writes the content, at once: a key must not be in anybody's hands before it would outlive a crash. It is a few
   * kilobytes, a few times an hour.
   */
  save(): void;
}

/**
 * Opens `<directory>/identities.json`, for its owner's eyes only; begins anew where there is none. Throws `usage` when
 * the file is not ours.
 */
export function openKeyStore(directory: string): KeyStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'identities.json');
  const content = readKeyFile(path) ?? { version: 1, users: {}, roles: {}, temporaryKeys: [] };
  return {
    content,
    save: () => {
      // A file that is there already would keep its mode.
      rmSync(`${path}.new`, { force: true });
      writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}

function readKeyFile(path: string): KeyFile | undefined {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return keyFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError('usage', `${path} is not a file of this sandbox's identities.`, {
      cause,
      hint: 'Give another directory with --state, or remove this one to begin anew.',
    });
  }
}
