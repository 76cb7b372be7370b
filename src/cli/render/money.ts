/** Writes an amount: $151, $0.247, CNY 12.3: three significant digits, and no fewer than there are whole units. */
export function money(amount: number, currency: string): string {
  if (amount === 0) return `${signOf(currency)}0`;
  const digits = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(Math.abs(amount)))));
  return signOf(currency) + formatOf(digits).format(amount);
}

/** What stands before an amount: `$`, or `CNY `: a sign that several currencies share would be read wrongly. */
export function signOf(currency: string): string {
  return currency === 'USD' ? '$' : `${currency} `;
}

const formats = new Map<number, Intl.NumberFormat>();

/** Making one takes longer than a hundred uses of it. */
function formatOf(digits: number): Intl.NumberFormat {
  const known = formats.get(digits);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(digits, made);
  return made;
}
