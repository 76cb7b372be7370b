import { z } from 'zod';
import { offers } from '../catalog/index.js';
import { filterTypes, passes } from '../filters.js';
import { formatVersion, knownService, maxResults, nextToken, operation } from './operation.js';

const text = z.string().min(1).max(1024);
const filter = z.strictObject({ Type: z.enum(filterTypes), Field: text, Value: text });

const input = z.strictObject({
  ServiceCode: z.string({ error: 'serviceCode cannot be null or empty' }).min(1, 'serviceCode cannot be null or empty'),
  Filters: z.array(filter).max(50).default([]),
  FormatVersion: formatVersion,
  NextToken: nextToken,
  MaxResults: maxResults(100),
});

/** The products that all filters let through, each with its prices as a string of JSON. */
export const getProducts = operation(input, (request, pager) => {
  const service = knownService(request.ServiceCode);
  const found = offers.filter((offer) => offer.service === service && passes(offer, request.Filters));
  const page = pager.page(found, {
    query: ['GetProducts', service, request.Filters],
    size: request.MaxResults,
    nextToken: request.NextToken,
  });
  return {
    FormatVersion: 'aws_v1',
    PriceList: page.items.map(({ entry }) => JSON.stringify(entry)),
    NextToken: page.nextToken,
  };
});
