/** The regions that the sandbox has prices of, with what the Price List calls them and begins their usage types with. */
export const pricedRegions = {
  'us-east-1': { location: 'US East (N. Virginia)', usagePrefix: '' },
  'us-west-2': { location: 'US West (Oregon)', usagePrefix: 'USW2-' },
  'eu-central-1': { location: 'EU (Frankfurt)', usagePrefix: 'EUC1-' },
} as const;

/** A region with prices. */
export type PricedRegion = keyof typeof pricedRegions;
