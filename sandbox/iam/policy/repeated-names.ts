/**
 * The first name that an object of a JSON text has twice, which IAM refuses and `JSON.parse` passes over in silence
 * (IAM User Guide, "Grammar of the IAM JSON policy language"); undefined where there is none. The text must be valid JSON.
 */
export function repeatedName(text: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [];
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{') objects.push(new Set());
    else if (token === '[') objects.push(undefined);
    else if (token === '}' || token === ']') objects.pop();
    else if (name !== undefined) {
      const names = objects.at(-1);
      const plain = JSON.parse(name) as string;
      if (names?.has(plain) === true) return plain;
      names?.add(plain);
    }
  }
  return undefined;
}
