import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The package's own description: the nearest package.json above this file, built or not. */
function ownPackage(): { readonly name: string; readonly version: string } {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, 'package.json'), 'utf8');
      return z.object({ name: z.string(), version: z.string() }).parse(JSON.parse(text));
    } catch (error) {
      if (folder === dirname(folder)) throw error;
    }
  }
}

/** Name and version of this tool, as `--version` and every manifest tell it. */
export const { name: toolName, version: toolVersion } = ownPackage();
