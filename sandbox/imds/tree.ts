/** What is at a path: a text, or how to get one. */
export type Document = string | (() => Promise<string>);

/** All documents by their paths, without a slash in front, in the order in which directories list them. */
export type Tree = ReadonlyMap<string, Document>;

/** Top-level directories are listed without the slash that marks directories below them. */
const bareDirectories = new Set(['dynamic', 'meta-data']);

/** The document at a path, or the listing of a directory; undefined where there is nothing. */
export async function lookUp(tree: Tree, path: string): Promise<string | undefined> {
  const wanted = path.replace(/\/$/, '');
  const document = tree.get(wanted);
  if (document !== undefined) return typeof document === 'string' ? document : document();
  const prefix = wanted === '' ? '' : `${wanted}/`;
  const names = [...tree.keys()].filter((key) => key.startsWith(prefix)).map((key) => entryName(key, prefix));
  return names.length === 0 ? undefined : [...new Set(names)].join('\n');
}

function entryName(key: string, prefix: string): string {
  const [name = '', ...below] = key.slice(prefix.length).split('/');
  return below.length === 0 || bareDirectories.has(prefix + name) ? name : `${name}/`;
}
