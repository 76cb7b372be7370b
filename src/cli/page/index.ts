import { rename, rm, writeFile } from 'node:fs/promises';
import { AppError, messageOf } from '../../core/index.js';
import { page, type PageContent } from './page.js';

/** Writes the page of `--html` under its name when it is whole. Throws `usage` where that cannot be written. */
export async function writePage(path: string, content: PageContent): Promise<void> {
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await writeFile(unfinished, page(content));
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true });
    throw new AppError('usage', `The page cannot be written: ${messageOf(cause)}.`, {
      hint: 'Name another file with --html.',
      cause,
    });
  }
}
