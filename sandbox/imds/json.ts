/** A flat object as the metadata service writes it: two spaces, and blanks on both sides of the colon. */
export function json(value: Readonly<Record<string, string | null>>): string {
  const lines = Object.entries(value).map(([name, field]) => `  ${JSON.stringify(name)} : ${JSON.stringify(field)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

/** A time as the metadata service writes it: whole seconds, rounded down. */
export function wholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
