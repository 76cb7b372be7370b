import { priceList, type PriceSource, type RegionPrices } from '../../costs/reckoning.js';

const sources: Readonly<Record<PriceSource, (date: string) => string>> = {
  list: (date) => `list prices of ${date}`,
  refresh: (date) => `AWS's Price List of ${date}`,
  file: (date) => `the file's of ${date}; what it does not say is as in our list of ${priceList.date}`,
};

/** Whose prices they are, where they are from, and of which day. */
export function pricesSentence({ own, source, date, region }: RegionPrices, regions: readonly string[]): string {
  const names = regions.join(', ');
  const from = sources[source](date);
  switch (own) {
    case 'none':
      return `Prices of ${names}: ${from} in ${region}, since their own are not known.`;
    case 'some':
      return `Prices of ${names}: ${from}; what is not known of them is as in us-east-1.`;
    case 'all':
      return `Prices of ${names}: ${from}.`;
  }
}
