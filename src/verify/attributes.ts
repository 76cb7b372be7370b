import { AppError } from '../core/index.js';
import { run } from '../process/index.js';
import { isTooLong, reach } from './long-path.js';

/** Values by name. */
export type Attributes = ReadonlyMap<string, Buffer>;
/** The extended attributes of each path that has any. Paths are latin1 text, relative to the root. */
export type AttributesByPath = ReadonlyMap<string, Attributes>;

/**
 * Reads all extended attributes of these paths, of symbolic links their own, with getfattr. Names reach it through xargs:
 * Node hands programs only text, and not every name is. Throws `program-missing` and `program-failed`.
 */
export async function readAttributes(
  root: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<AttributesByPath> {
  const rootPath = Buffer.from(root);
  const isLong = (path: string): boolean => isTooLong(rootPath, Buffer.from(path, 'latin1'));
  const usual = paths.filter((path) => !isLong(path)).map((path) => `./${path}`);
  const found = new Map<string, Attributes>();
  for (const [path, attributes] of await dumped(usual, { cwd: root, signal })) found.set(path.slice(2), attributes);
  for (const path of paths.filter(isLong)) {
    using reachable = reach(rootPath, Buffer.from(path, 'latin1'));
    for (const [, attributes] of await dumped([reachable.path.toString('latin1')], { cwd: root, signal })) {
      found.set(path, attributes);
    }
  }
  return found;
}

interface DumpOptions {
  readonly cwd: string;
  readonly signal: AbortSignal | undefined;
}

async function dumped(paths: readonly string[], options: DumpOptions): Promise<readonly [string, Attributes][]> {
  if (paths.length === 0) return [];
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  return parseAttributes((await run(argv, { ...options, input })).toString('latin1'));
}

const argv = [
  ...['xargs', '--null', '--no-run-if-empty'],
  ...['getfattr', '--no-dereference', '--dump', '--match=-', '--encoding=hex', '--absolute-names', '--'],
];
const fileLine = '# file: ';

/** Reads what `getfattr --dump` writes: blocks of a line with the file and a line for each attribute. */
function parseAttributes(text: string): readonly [string, Attributes][] {
  return text.split('\n\n').flatMap((block): [string, Attributes][] => {
    const [head, ...lines] = block.split('\n').filter((line) => line !== '');
    if (head === undefined) return [];
    if (!head.startsWith(fileLine)) throw misread(head);
    return [[unescaped(head.slice(fileLine.length)), new Map(lines.map(attributeOf))]];
  });
}

function attributeOf(line: string): [string, Buffer] {
  const equals = line.indexOf('=');
  const name = Buffer.from(unescaped(equals < 0 ? line : line.slice(0, equals)), 'latin1').toString('utf8');
  if (equals < 0) return [name, Buffer.alloc(0)];
  const value = line.slice(equals + 1);
  if (value === '""') return [name, Buffer.alloc(0)];
  if (!/^0x(?:[0-9a-f]{2})*$/i.test(value)) throw misread(line);
  return [name, Buffer.from(value.slice(2), 'hex')];
}

/** getfattr writes unusual bytes of names as `\ooo`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

function misread(line: string): AppError {
  return new AppError('program-failed', `getfattr wrote what cannot be understood: ${JSON.stringify(line)}.`);
}
