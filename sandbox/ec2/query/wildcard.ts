/** What a filter value matches: `*` any text, `?` any one character, `\` takes the next character as it is. */
export function wildcard(pattern: string): (value: string) => boolean {
  if (!/[\\*?]/.test(pattern)) return (value) => value === pattern;
  const expression = pattern.replace(/\\([\s\S])|[\s\S]/gu, (token: string, escaped: string | undefined) => {
    if (escaped !== undefined) return literal(escaped);
    if (token === '*') return '[\\s\\S]*';
    return token === '?' ? '[\\s\\S]' : literal(token);
  });
  const whole = new RegExp(`^${expression}$`, 'u');
  return (value) => whole.test(value);
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
