/** What conditions and variables are evaluated against: values by key. Keys are not case-sensitive. */
export interface RequestContext {
  /** Empty where the request does not have the key. */
  valuesOf(key: string): readonly string[];
}

/** Joins keys and values; where two have the same key the later one counts. A key without values counts as missing. */
export function requestContext(...entries: readonly Readonly<Record<string, readonly string[]>>[]): RequestContext {
  const values = new Map<string, readonly string[]>();
  for (const [key, value] of entries.flatMap((one) => Object.entries(one))) values.set(key.toLowerCase(), value);
  return { valuesOf: (key) => values.get(key.toLowerCase()) ?? [] };
}
