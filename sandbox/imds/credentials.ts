import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../src/core/index.js';
import type { RoleKeys } from './role-keys.js';

const stored = z.object({ accessKeyId: z.string(), secretAccessKey: z.string(), sessionToken: z.string() }).readonly();

/** The credentials of the instance's role. */
export type RoleCredentials = z.infer<typeof stored>;

/** Reads the role's credentials from `<directory>/credentials.json`, or makes some: the same for as long as it exists. */
export async function roleCredentials(directory: string): Promise<RoleCredentials> {
  const path = join(directory, 'credentials.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const known = text === undefined ? undefined : stored.safeParse(parseJson(text)).data;
  if (known !== undefined) return known;
  const made: RoleCredentials = {
    accessKeyId: `ASIA${upperCase(16)}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(96).toString('base64'),
  };
  await mkdir(directory, { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify(made), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return made;
}

const hourMs = 60 * 60 * 1000;

/** The role's credentials as a key that is dated anew every hour, and good for six as EC2's are: it never changes. */
export function steadyKeys(credentials: RoleCredentials, clock: Clock): RoleKeys {
  return {
    current: () => {
      const issuedAtMs = Math.floor(clock.now() / hourMs) * hourMs;
      return { ...credentials, issuedAtMs, expiresAtMs: issuedAtMs + 6 * hourMs };
    },
  };
}

function upperCase(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
