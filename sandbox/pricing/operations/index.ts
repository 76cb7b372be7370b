import { describeServices } from './describe-services.js';
import { getAttributeValues } from './get-attribute-values.js';
import { getProducts } from './get-products.js';
import type { Operation } from './operation.js';

/** The operations that the sandbox has, by their names in the API reference. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['DescribeServices', describeServices],
  ['GetAttributeValues', getAttributeValues],
  ['GetProducts', getProducts],
]);
