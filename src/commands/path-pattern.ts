import picomatch from 'picomatch';

/** Tells whether a path of an archive is one of those that a person named. */
export interface PathPattern {
  /** As it was given. */
  readonly text: string;
  /** Whether it means this path itself: `etc/hosts`, without `./` and `/` before it. */
  matches(path: string): boolean;
}

/**
 * Reads a path or glob: `etc/hosts`, `/etc/*.conf`, `**\/*.jpg`. `*` and `?` match no slash, `**` matches any folders, names
 * that begin with a dot are like others. A path that is there under exactly this name is always meant, whatever signs
 * are in it.
 */
export function pathPattern(text: string): PathPattern {
  const plain = text.replace(/^(?:\.?\/+)+/, '').replace(/\/+$/, '');
  const literal = plain === '' ? '.' : plain;
  const isMatch = /[*?[\]{}()!+@\\]/.test(literal)
    ? picomatch(literal, { dot: true, nonegate: true, strictSlashes: true })
    : undefined;
  return { text, matches: (path) => path === literal || isMatch?.(path) === true };
}

/** The path itself and the folders above it, the longest first; `.` is above all. */
export function* pathAndParents(path: string): Generator<string, void> {
  let end = path.length;
  while (end > 0) {
    yield path.slice(0, end);
    end = path.lastIndexOf('/', end - 1);
  }
  if (path !== '.') yield '.';
}
