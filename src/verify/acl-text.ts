/** Tags of the entries of a POSIX ACL as the kernel stores them (include/uapi/linux/posix_acl.h). */
const tags: ReadonlyMap<number, string> = new Map([
  [0x01, 'user:'],
  [0x02, 'user:'],
  [0x04, 'group:'],
  [0x08, 'group:'],
  [0x10, 'mask:'],
  [0x20, 'other:'],
]);
const qualified = new Set([0x02, 0x08]);
const version = 2;

/**
 * The text of acl(5), with numbers for users and groups, of the attributes `system.posix_acl_access` and
 * `system.posix_acl_default`; undefined for bytes that are no ACL.
 */
export function aclText(value: Buffer): string | undefined {
  if (value.length < 4 || (value.length - 4) % 8 !== 0 || value.readUInt32LE(0) !== version) return undefined;
  const lines: string[] = [];
  for (let at = 4; at < value.length; at += 8) {
    const [tag, permissions, id] = [value.readUInt16LE(at), value.readUInt16LE(at + 2), value.readUInt32LE(at + 4)];
    const word = tags.get(tag);
    if (word === undefined) return undefined;
    const letters = ['r', 'w', 'x'].map((letter, index) => ((permissions & (4 >> index)) === 0 ? '-' : letter));
    lines.push(`${word}${qualified.has(tag) ? id : ''}:${letters.join('')}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Whether two texts of acl(5) say the same; one that says no more than the mode does is none. A tar says names instead of numbers where the machine that made it knew any;
 * of those only the permissions can be compared.
 */
export function isSameAcl(archive: string | undefined, source: string | undefined): boolean {
  const [left, right] = [linesOf(archive), linesOf(source)];
  return left.length === right.length && left.every((line, index) => isSameLine(line, right[index] ?? ''));
}

/** GNU tar stores the three lines of the mode where a directory has a default ACL only. */
const modeLines = 3;

function linesOf(text = ''): readonly string[] {
  const lines = text.split(/[\n,]/).filter((line) => line !== '');
  return lines.length <= modeLines ? [] : lines;
}

function isSameLine(archive: string, source: string): boolean {
  const [tag, id = '', permissions] = archive.split(':');
  const [otherTag, otherId = '', otherPermissions] = source.split(':');
  if (tag !== otherTag || permissions !== otherPermissions) return false;
  return id === otherId || (id !== '' && otherId !== '' && !/^\d+$/.test(id));
}
