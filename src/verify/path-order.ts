const slash = 0x2f;

/**
 * The order in which `tar --sort=name` visits paths relative to a root: a directory before what is in it, and the names
 * of one directory by their bytes. Negative where `a` comes first; 0 for the same path.
 */
export function comparePaths(a: Buffer, b: Buffer): number {
  const rootFirst = Number(isRoot(b)) - Number(isRoot(a));
  if (rootFirst !== 0) return rootFirst;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left = 0, right = 0] = [a[at], b[at]];
    if (left === right) continue;
    // A name that goes on comes after what is in the directory whose name ends here.
    if (left === slash) return -1;
    if (right === slash) return 1;
    return left - right;
  }
  return a.length - b.length;
}

/** The same order of paths that are text. */
export function comparePathTexts(a: string, b: string): number {
  const rootFirst = Number(b === '.') - Number(a === '.');
  if (rootFirst !== 0) return rootFirst;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left === right) continue;
    if (left === slash) return -1;
    if (right === slash) return 1;
    return inUtf8(left) - inUtf8(right);
  }
  return a.length - b.length;
}

/** Halves of pairs stand for what is beyond U+FFFF, and UTF-8 has that last. */
function inUtf8(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function isRoot(path: Buffer): boolean {
  return path.length === 1 && path[0] === 0x2e;
}
