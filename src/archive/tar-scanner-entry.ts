/** What every member of a tar has. */
interface TarEntryFacts {
  /**
   * The exact bytes of the name, relative to the root: without leading `./` and `/`, without trailing `/`; the root
   * itself is `.`.
   */
  readonly path: Buffer;
  /** The file's size, holes included; 0 for what has no content (hard links too). */
  readonly sizeBytes: number;
  /** Permission bits with setuid, setgid and sticky: 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly uname: string | undefined;
  readonly gname: string | undefined;
  /** Seconds since 1970, an exact decimal without trailing zeros: `-1.5`, `1234567890.123456789`. */
  readonly mtime: string;
  /** Extended attributes by name; undefined for none. A name that is not UTF-8 is shown with U+FFFD. */
  readonly xattrs: ReadonlyMap<string, Buffer> | undefined;
  /** POSIX ACLs in the text form of acl(5). */
  readonly aclAccess: string | undefined;
  readonly aclDefault: string | undefined;
  /** Position in the tar of the member's first block, its pax or long-name headers included. */
  readonly offset: number;
  /** Bytes from there to the end of the padding: these alone are a readable tar member. */
  readonly storedBytes: number;
}

/** A regular file. */
export interface TarFile extends TarEntryFacts {
  readonly type: 'file';
  /** SHA-256 of the content as `sha256sum` gives it, hexadecimal; undefined where more than 16 GiB of it are holes. */
  readonly sha256: string | undefined;
  /** For a file that is stored without its holes: SHA-256 of the stored segments, one after the other. */
  readonly dataSha256: string | undefined;
}

/** A symbolic link (`linkTarget` exactly as stored) or a hard link (`linkTarget` is the `path` of another entry). */
export interface TarLink extends TarEntryFacts {
  readonly type: 'symlink' | 'hardlink';
  readonly linkTarget: Buffer;
}

/** A device node. */
export interface TarDevice extends TarEntryFacts {
  readonly type: 'character-device' | 'block-device';
  readonly major: number;
  readonly minor: number;
}

/** Members that are nothing but their name and attributes; `other` is any type that tar does not extract as a file. */
export interface TarPlainEntry extends TarEntryFacts {
  readonly type: 'directory' | 'fifo' | 'other';
}

/** One member of a tar. */
export type TarEntry = TarFile | TarLink | TarDevice | TarPlainEntry;

/** An entry before its content was read. */
export type TarEntryDraft = TarEntry extends infer Entry ? (Entry extends TarEntry ? Draft<Entry> : never) : never;
type Draft<Entry extends TarEntry> = Omit<Entry, 'storedBytes' | 'sha256' | 'dataSha256'>;

/** The bytes of a stored name as `TarEntry.path` has them; a copy. */
export function relativePath(stored: Buffer): Buffer {
  let start = 0;
  let end = stored.length;
  for (;;) {
    if (stored[start] === 0x2f) start += 1;
    else if (stored[start] === 0x2e && stored[start + 1] === 0x2f) start += 2;
    else break;
  }
  while (end > start && stored[end - 1] === 0x2f) end -= 1;
  return start >= end ? Buffer.from('.') : Buffer.from(stored.subarray(start, end));
}
