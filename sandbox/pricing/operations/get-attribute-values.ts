import { z } from 'zod';
import { offers } from '../catalog/index.js';
import { PricingError } from '../errors.js';
import { knownService, maxResults, nextToken, operation } from './operation.js';

const input = z.strictObject({
  ServiceCode: z.string({ error: 'serviceCode cannot be null or empty' }).min(1),
  AttributeName: z.string({ error: 'attributeName cannot be null or empty' }).min(1),
  NextToken: nextToken,
  MaxResults: maxResults(10_000),
});

/** All values that an attribute has in the products of a service. */
export const getAttributeValues = operation(input, (request, pager) => {
  const { ServiceCode, AttributeName, MaxResults, NextToken } = request;
  const service = knownService(ServiceCode);
  const values = offers.flatMap(({ service: of, fields }) =>
    of === service && Object.hasOwn(fields, AttributeName) ? [fields[AttributeName] ?? ''] : [],
  );
  if (values.length === 0) {
    throw new PricingError('NotFoundException', `Products of ${service} have no attribute ${AttributeName}.`);
  }
  const page = pager.page([...new Set(values)].sort(), {
    query: ['GetAttributeValues', service, AttributeName],
    size: MaxResults,
    nextToken: NextToken,
  });
  return { AttributeValues: page.items.map((Value) => ({ Value })), NextToken: page.nextToken };
});
