/** Writes an amount: $151, $0.247, CNY 12.3: three significant digits, and no fewer than there are whole units. */
export function money(amount: number, currency: string): string {
  if (amount === 0) return `${signOf(currency)}0`;
  const digits = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(Math.abs(amount)))));
  return (
    signOf(currency) + amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  );
}

/** What stands before an amount: `$`, or `CNY `: a sign that several currencies share would be read wrongly. */
export function signOf(currency: string): string {
  return currency === 'USD' ? '$' : `${currency} `;
}
