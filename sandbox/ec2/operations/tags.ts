import { requestTagConditions } from '../access/index.js';
import { missingParameter } from '../errors.js';
import { addTags, checkTags, removeTags } from '../query/index.js';
import { operation } from './operation.js';
import { taggedOf } from './resources.js';

/** CreateTags: sets tags over those of one or more resources; on all of them or on none. */
export const createTags = operation({
  parse: (parameters) => {
    const resourceIds = parameters.list('ResourceId');
    const tags = parameters
      .groups('Tag')
      .map((group) => ({ key: group.text('Key') ?? '', value: group.text('Value') ?? '' }));
    if (resourceIds.length === 0) throw missingParameter('resourceIdSet');
    if (tags.length === 0) throw missingParameter('tagSet');
    return { resourceIds, tags: checkTags(tags) };
  },
  access: ({ resourceIds, tags }, context) =>
    resourceIds.map((id) => taggedOf(id, context).access('CreateTags', requestTagConditions(tags))),
  perform: async ({ resourceIds, tags }, context) => {
    const changes = resourceIds
      .map((id) => taggedOf(id, context))
      .map((resource) => ({ resource, changed: addTags(resource.tags, tags) }));
    for (const { resource, changed } of changes) resource.setTags(changed);
    await context.lifecycle.state.save();
    return { return: true };
  },
});

/** DeleteTags: removes the named tags, those with a value only if they have it; all tags where none is named. */
export const deleteTags = operation({
  parse: (parameters) => {
    const resourceIds = parameters.list('ResourceId');
    if (resourceIds.length === 0) throw missingParameter('resourceIdSet');
    return {
      resourceIds,
      removals: parameters.groups('Tag').map((group) => ({ key: group.text('Key') ?? '', value: group.text('Value') })),
    };
  },
  access: ({ resourceIds, removals }, context) => {
    const named = removals.map(({ key, value = '' }) => ({ key, value }));
    return resourceIds.map((id) => taggedOf(id, context).access('DeleteTags', requestTagConditions(named)));
  },
  perform: async ({ resourceIds, removals }, context) => {
    const resources = resourceIds.map((id) => taggedOf(id, context));
    for (const resource of resources) resource.setTags(removeTags(resource.tags, removals));
    await context.lifecycle.state.save();
    return { return: true };
  },
});
