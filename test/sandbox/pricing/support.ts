import {
  GetProductsCommand,
  PricingClient,
  type Filter,
  type GetProductsCommandInput,
  type PricingClientConfig,
} from '@aws-sdk/client-pricing';
import { onTestFinished } from 'vitest';
import { createPricingService } from '../../../sandbox/pricing/index.js';
import type { OfferEntry, PriceDimension } from '../../../sandbox/pricing/catalog/index.js';
import type { ListenOptions } from '../../../sandbox/server/server.js';
import { testServer } from '../server/support.js';

/** A local Price List whose clock stands still until `pass`, with a client. */
export async function testPricing(options: Partial<ListenOptions> = {}) {
  let nowMs = Date.UTC(2026, 10, 23);
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const { server, defects } = await testServer([createPricingService({ clock })], options);
  onTestFinished(() => server.close());
  const client = (config: PricingClientConfig = {}): PricingClient => {
    const made = new PricingClient({
      endpoint: server.url,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
      ...config,
    });
    onTestFinished(() => made.destroy());
    return made;
  };
  return { url: server.url, defects, client, pass: (ms: number) => (nowMs += ms) };
}

/** Filters of the kind TERM_MATCH. */
export function terms(fields: Readonly<Record<string, string>>): Filter[] {
  return Object.entries(fields).map(([Field, Value]) => ({ Type: 'TERM_MATCH', Field, Value }));
}

/** What GetProducts answered. */
export interface Products {
  readonly entries: readonly OfferEntry[];
  /** The entries as they came. */
  readonly texts: readonly string[];
  readonly nextToken: string | undefined;
}

/** Asks for products. The SDK hands entries out as objects that are also strings. */
export async function getProducts(client: PricingClient, input: GetProductsCommandInput): Promise<Products> {
  const { PriceList, NextToken } = await client.send(new GetProductsCommand(input));
  const texts = ((PriceList as unknown as readonly unknown[] | undefined) ?? []).map(String);
  return { texts, entries: texts.map((text) => JSON.parse(text) as OfferEntry), nextToken: NextToken };
}

/** The prices of an entry, that of the first bytes first. */
export function pricesOf(entry: OfferEntry): readonly PriceDimension[] {
  return Object.values(entry.terms.OnDemand)
    .flatMap((term) => Object.values(term.priceDimensions))
    .sort((one, other) => Number(one.beginRange) - Number(other.beginRange));
}
