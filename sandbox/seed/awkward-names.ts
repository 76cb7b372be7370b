import { mkdir, symlink, writeFile } from 'node:fs/promises';

const texts: readonly string[] = [
  'line\nbreak',
  '\nleading line break',
  'carriage\rreturn',
  'tab\there',
  'bell\u0007 and escape \u001b[31mred',
  '"double" and \'single\' quotes',
  'back\\slash and \\n no line break',
  '-rf',
  '--help',
  '@file',
  '~',
  '#comment',
  '*',
  '?',
  '[a-z]',
  '{a,b}',
  '$(touch pwned)',
  '`touch pwned`',
  ';touch pwned;',
  '| cat',
  '> overwritten',
  '%s%n%x',
  '&amp;<tag>',
  ' blank at both ends ',
  '...',
  '..hidden',
  '.dot',
  'composed é',
  'decomposed e\u0301',
  '日本語',
  'العربية',
  '🙂',
  'right-to-left \u202etxt.exe',
  'zero\u200bwidth',
  'n'.repeat(255),
];

/** Names that are no UTF-8. */
const bytes: readonly (readonly number[])[] = [
  [0x63, 0x61, 0x66, 0xe9], // "café" in Latin-1
  [0xff, 0xfe],
  [0x80],
  [0x61, 0xc3], // a sequence cut short
  [0xed, 0xa0, 0x80], // half of a surrogate pair
];

/** How deep the long path goes; with these names it is longer than 300 characters, and than a ustar header holds. */
const longPath = { depth: 7, name: 'a folder with a name of some fifty characters, no less' };

/** Makes files, folders and links with names that break careless programs. Returns how many entries were made. */
export async function makeAwkwardNames(folder: Buffer): Promise<number> {
  const names = [...texts.map((text) => Buffer.from(text)), ...bytes.map((list) => Buffer.from(list))];
  for (const name of names) await writeFile(inside(folder, name), Buffer.concat([Buffer.from('content of '), name]));

  const directory = inside(folder, Buffer.from('folder \n"with" \\ of all'));
  await mkdir(directory);
  await writeFile(inside(directory, Buffer.from([0xff])), 'in a folder with an awkward name');
  await symlink(Buffer.from([0x2f, 0xff, 0x0a]), inside(folder, Buffer.from('link to bytes that are no UTF-8')));

  let deep = folder;
  for (let level = 0; level < longPath.depth; level += 1) {
    deep = inside(deep, Buffer.from(`${longPath.name} ${level}`));
    await mkdir(deep);
  }
  await writeFile(inside(deep, Buffer.from('d'.repeat(200))), 'deep down');
  await symlink('t'.repeat(150), inside(folder, Buffer.from('link with a target longer than a tar header holds')));
  return names.length + longPath.depth + 5;
}

/** A path as bytes, for names that are no text. */
export function inside(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}
