import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../src/process/index.js';
import { extractTar } from '../../src/restore/index.js';

it('onto a filesystem without ACLs, as FAT is one, writes all files, and says once what it does not take', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-extract-'));
  const directory = join(folder, 'ramfs');
  try {
    await mkdir(join(folder, 'tree/EFI/BOOT'), { recursive: true });
    for (const name of ['a', 'b']) await writeFile(join(folder, `tree/EFI/BOOT/${name}`), name);
    const tar = await run(['tar', '-C', join(folder, 'tree'), '--create', '--format=pax', '--acls', '--xattrs', '.']);
    await mkdir(directory);
    await run(['mount', '-t', 'ramfs', 'none', directory]);
    try {
      const warnings: string[] = [];
      const onWarning = (line: string): void => void warnings.push(line);
      await extractTar([tar] as never, { directory, isRoot: true, onWarning });
      expect(await readFile(join(directory, 'EFI/BOOT/b'), 'utf8')).toBe('b');
      expect(warnings).toEqual([`The filesystem at ${directory} takes no ACLs; what comes back has none.`]);
    } finally {
      await run(['umount', directory]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
