import { onAnything } from '../access/index.js';
import { pageOf, passes, readFilters, readPage, type Filterable } from '../query/index.js';
import type { Tag } from '../state/index.js';
import { operation, type OperationContext } from './operation.js';
import { allTagged, type Tagged } from './resources.js';

const action = 'DescribeTags';

/** DescribeTags: one entry for each tag of each resource. */
export const describeTags = operation({
  parse: (parameters) => ({
    filters: readFilters(parameters, filterable),
    page: readPage(parameters, { action, least: 5, most: 1000, unasked: 1000 }),
  }),
  access: (_, context) => onAnything(action, context),
  perform: (request, context) => {
    const page = pageOf(entries(context), request.page, {
      action,
      place: ({ resource, index }) => [resource.sequence, index],
      passes: (entry) => passes(entry, request.filters),
    });
    return {
      tagSet: page.items.map(({ resource, tag }) => ({
        resourceId: resource.id,
        resourceType: resource.type,
        key: tag.key,
        value: tag.value,
      })),
      nextToken: page.nextToken,
    };
  },
});

interface Entry {
  readonly resource: Tagged;
  readonly tag: Tag;
  /** Its place among the tags of the resource. */
  readonly index: number;
}

function* entries(context: OperationContext): Generator<Entry> {
  for (const resource of allTagged(context)) {
    for (const [index, tag] of resource.tags.entries()) yield { resource, tag, index };
  }
}

const filterable: Filterable<Entry> = {
  tagsOf: ({ tag }) => [tag],
  fields: {
    key: ({ tag }) => [tag.key],
    'resource-id': ({ resource }) => [resource.id],
    'resource-type': ({ resource }) => [resource.type],
    value: ({ tag }) => [tag.value],
  },
};
