/** What a pattern is made of, in order. `within` names a character that a wildcard does not pass. */
export type PatternPart =
  | { readonly kind: 'text'; readonly text: string }
  /** `?`: exactly one character. */
  | { readonly kind: 'one'; readonly within?: string }
  /** `*`: any number of characters, none included. */
  | { readonly kind: 'many'; readonly within?: string };

/** Text with wildcards. */
export type Pattern = readonly PatternPart[];

/** Reads text in which `*` and `?` stand for other characters. */
export function parseWildcards(text: string): Pattern {
  return text.split(/([*?])/).flatMap((piece, index): Pattern => {
    if (index % 2 === 0) return textPattern(piece);
    return [{ kind: piece === '*' ? 'many' : 'one' }];
  });
}

/** The pattern that matches one text. */
export function textPattern(text: string): Pattern {
  return text === '' ? [] : [{ kind: 'text', text }];
}

/** Whether a pattern matches the whole of a text. Takes time in proportion to both lengths, whatever the wildcards. */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  let ends = new Set([0]);
  for (const part of pattern) {
    const next = new Set<number>();
    for (const start of ends) addEnds(next, { part, text, start });
    ends = next;
  }
  return ends.has(text.length);
}

/** A pattern that matches regardless of case, for texts in lower case. */
export function lowerCased(pattern: Pattern): Pattern {
  return pattern.map((part) => (part.kind === 'text' ? { kind: 'text', text: part.text.toLowerCase() } : part));
}

/** Adds where a part may end that begins at `start`. */
function addEnds(
  ends: Set<number>,
  { part, text, start }: { readonly part: PatternPart; readonly text: string; readonly start: number },
): void {
  if (part.kind === 'text') {
    if (text.startsWith(part.text, start)) ends.add(start + part.text.length);
    return;
  }
  const isPassable = (at: number): boolean => at < text.length && text[at] !== part.within;
  if (part.kind === 'one') {
    const isPair = (text.codePointAt(start) ?? 0) > 0xffff;
    if (isPassable(start)) ends.add(start + (isPair ? 2 : 1));
    return;
  }
  // What another beginning has reached already, it has followed to the end.
  let end = start;
  while (!ends.has(end)) {
    ends.add(end);
    if (!isPassable(end)) break;
    end += 1;
  }
}
