import { z } from 'zod';
import { offers, serviceCodes, type ServiceCode } from '../catalog/index.js';
import { formatVersion, knownService, maxResults, nextToken, operation } from './operation.js';

const input = z.strictObject({
  ServiceCode: z.string().optional(),
  FormatVersion: formatVersion,
  NextToken: nextToken,
  MaxResults: maxResults(100),
});

/** The services, with the fields that their products can be filtered by. */
export const describeServices = operation(input, (request, pager) => {
  const codes = request.ServiceCode === undefined ? serviceCodes : [knownService(request.ServiceCode)];
  const page = pager.page(codes, {
    query: ['DescribeServices', request.ServiceCode],
    size: request.MaxResults,
    nextToken: request.NextToken,
  });
  return {
    Services: page.items.map((code) => ({ ServiceCode: code, AttributeNames: fieldsOf(code) })),
    FormatVersion: 'aws_v1',
    NextToken: page.nextToken,
  };
});

function fieldsOf(service: ServiceCode): readonly string[] {
  const ofService = offers.filter((offer) => offer.service === service);
  return [...new Set(ofService.flatMap(({ fields }) => Object.keys(fields)))].sort();
}
