import { pageOf, passes, readFilters, readPage, type Filterable } from '../query/index.js';
import type { Tag } from '../state/index.js';
import { operation } from './operation.js';
import { allTagged, type Tagged } from './resources.js';

const action = 'DescribeTags';

/** DescribeTags: one entry for each tag of each resource. */
export const describeTags = operation({
  parse: (parameters) => ({
    filters: readFilters(parameters, filterable),
    page: readPage(parameters, { action, least: 5, most: 1000, unasked: 1000 }),
  }),
  perform: (request, context) => {
    const found = allTagged(context)
      .flatMap((resource) => resource.tags.map((tag, index) => ({ resource, tag, index })))
      .filter((entry) => passes(entry, request.filters, filterable));
    const page = pageOf(found, request.page, { action, place: ({ resource, index }) => [resource.sequence, index] });
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
