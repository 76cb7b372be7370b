import type { Offer } from './catalog/index.js';

/** The ways of filtering, as the API has them. */
export const filterTypes = ['TERM_MATCH', 'EQUALS', 'CONTAINS', 'ANY_OF', 'NONE_OF'] as const;

/** A filter of GetProducts. */
export interface Filter {
  readonly Type: (typeof filterTypes)[number];
  readonly Field: string;
  readonly Value: string;
}

/** True for an offer that all filters let through. */
export function passes(offer: Offer, filters: readonly Filter[]): boolean {
  return filters.every((filter) => passesOne(offer, filter));
}

/** A field that a product does not have never matches; so `NONE_OF` lets those products through. */
function passesOne({ fields, service }: Offer, { Type, Field, Value }: Filter): boolean {
  const value = Field === 'ServiceCode' ? service : Object.hasOwn(fields, Field) ? fields[Field] : undefined;
  switch (Type) {
    case 'TERM_MATCH':
    case 'EQUALS':
      return value === Value;
    case 'CONTAINS':
      return value?.includes(Value) ?? false;
    case 'ANY_OF':
      return value !== undefined && listed(Value).includes(value);
    case 'NONE_OF':
      return value === undefined || !listed(Value).includes(value);
  }
}

/** Several values are one string with commas between. */
function listed(values: string): readonly string[] {
  return values.split(',').map((value) => value.trim());
}
