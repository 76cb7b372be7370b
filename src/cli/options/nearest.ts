/** At most this share of a word may be mistyped. */
const mostWrong = 0.34;

/** The word that somebody most likely meant; undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const one of known) {
    // The beginning of a longer word is the likeliest slip of all.
    const distance = one.startsWith(word) && word.length > 3 ? 0.5 : editDistance(word, one);
    if (distance <= mostWrong * Math.max(word.length, 3) && (best === undefined || distance < best.distance)) {
      best = { word: one, distance };
    }
  }
  return best?.word;
}

/** Letters to put in, take out, or change (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
