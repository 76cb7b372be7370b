import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Names that break careless clients and servers. All are UTF-8, as keys are; none is changed by a client. */
const names: readonly string[] = [
  'plain.txt',
  'a blank',
  ' blank at both ends ',
  'plus+and&amp;<tag>',
  '"double" and \'single\' quotes',
  'per%cent %20 %2F',
  '#hash',
  '?question=mark&x-amz-acl=public-read',
  '*',
  '[a-z]{b}',
  'back\\slash',
  '~tilde',
  '-rf',
  '..hidden',
  '...',
  'semi;colon:comma,equals=at@dollar$',
  '!(paren)',
  'pipe|caret^grave`',
  'composed é',
  'decomposed e\u0301',
  '日本語',
  '🙂',
];

/** Names with control characters, which some clients replace. */
const controlNames: readonly string[] = ['line\nbreak', 'carriage\rreturn', 'tab\there', 'bell\u0007'];

/** When old files were last changed. */
const longAgo = new Date('2001-09-09T01:46:40.123Z');

/** Makes files with awkward names and contents of their own, in two levels, and an empty one. */
export async function makeAwkwardTree(
  folder: string,
  { withControlCharacters = true }: { readonly withControlCharacters?: boolean } = {},
): Promise<void> {
  const all = withControlCharacters ? [...names, ...controlNames] : names;
  const below = join(folder, 'folder with + and é', '%41');
  await mkdir(below, { recursive: true });
  for (const name of all) {
    await writeFile(join(folder, name), `content of ${name}`);
    await writeFile(join(below, name), `content of the lower ${name}`);
  }
  await writeFile(join(folder, 'empty'), '');
  await makeOld(folder);
}

/**
 * Dates everything in a folder back. S3 tells times to the second: a file that changed within the second of its upload is
 * newer than its object, and careful clients upload it again.
 */
export async function makeOld(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const file of files) await utimes(join(file.parentPath, file.name), longAgo, longAgo);
}

/** Writes a file of random bytes and returns their SHA-256. */
export async function writeRandomFile(path: string, bytes: number): Promise<string> {
  const content = randomBytes(bytes);
  await writeFile(path, content);
  return sha256(content);
}

/** SHA-256, hexadecimal. */
export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
