import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { defaultPath } from './start.js';

/** Whether a program is there where {@link start} looks for it. */
export async function isInstalled(program: string): Promise<boolean> {
  for (const folder of defaultPath().split(delimiter)) {
    const isThere = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}
