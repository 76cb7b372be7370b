/** A key or subkey as gpg lists it (doc/DETAILS of GnuPG, "Format of the colon listings"). */
export interface GpgSubkey {
  /** gpg's letter: `u` ultimately valid, `f` fully, `m` marginally, `r` revoked, `e` expired, `-` `q` `o` unknown … */
  readonly validity: string;
  /** What it is for: `e` encrypts; of a primary key also in capitals what the whole key can do, and `D` for disabled. */
  readonly capabilities: string;
  readonly expires: Date | undefined;
}

/** A primary key with what belongs to it. */
export interface GpgKey extends GpgSubkey {
  readonly fingerprint: string;
  readonly userIds: readonly string[];
  readonly subkeys: readonly GpgSubkey[];
}

/** Reads what `gpg --with-colons --list-keys` prints. Records and fields that are not known are passed over. */
export function parseKeyList(listing: string): readonly GpgKey[] {
  const keys: { key: GpgSubkey; fingerprint: string; userIds: string[]; subkeys: GpgSubkey[] }[] = [];
  for (const line of listing.split('\n')) {
    const fields = line.split(':');
    const [record = ''] = fields;
    const last = keys.at(-1);
    switch (record) {
      case 'pub':
        keys.push({ key: readKey(fields), fingerprint: '', userIds: [], subkeys: [] });
        break;
      case 'sub':
        last?.subkeys.push(readKey(fields));
        break;
      case 'fpr':
        // The first one is the primary key's.
        if (last?.fingerprint === '') last.fingerprint = fields[9] ?? '';
        break;
      case 'uid':
        last?.userIds.push(unquoted(fields[9] ?? ''));
        break;
    }
  }
  return keys.map(({ key, ...rest }) => ({ ...key, ...rest }));
}

function readKey(fields: readonly string[]): GpgSubkey {
  return { validity: fields[1] ?? '', expires: readTime(fields[6] ?? ''), capabilities: fields[11] ?? '' };
}

/** Seconds since 1970, or ISO 8601 without separators. */
function readTime(text: string): Date | undefined {
  if (/^\d+$/.test(text)) return new Date(Number(text) * 1000);
  const found = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})$/.exec(text)?.slice(1).map(Number);
  if (found === undefined) return undefined;
  const [year = 0, month = 1, ...rest] = found;
  return new Date(Date.UTC(year, month - 1, ...rest));
}

/** User ids are quoted like C strings. */
function unquoted(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
