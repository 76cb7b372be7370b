import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own description: the nearest package.json above this file, built or not. */
function ownPackage(): { readonly name: string; readonly version: string } {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      return described(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
    } catch (error) {
      if (folder === dirname(folder)) throw error;
    }
  }
}

/** By hand: every command needs it, and a library that checks takes longer to load than most of them. */
function described(read: unknown): { readonly name: string; readonly version: string } {
  if (typeof read === 'object' && read !== null && 'name' in read && 'version' in read) {
    const { name, version } = read;
    if (typeof name === 'string' && typeof version === 'string') return { name, version };
  }
  throw new TypeError('package.json has no name or no version.');
}

/** Name and version of this tool, as `--version` and every manifest tell it. */
export const { name: toolName, version: toolVersion } = ownPackage();
