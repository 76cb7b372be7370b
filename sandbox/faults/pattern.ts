/** Whether a text is what a pattern says: `*` stands for any text, `\` takes the next character as it is. */
export function matches(text: string, pattern: string): boolean {
  const expression = pattern.replace(/\\([^])|[^]/gu, (token: string, escaped: string | undefined) =>
    token === '*' ? '[^]*' : literal(escaped ?? token),
  );
  return new RegExp(`^${expression}$`, 'u').test(text);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
