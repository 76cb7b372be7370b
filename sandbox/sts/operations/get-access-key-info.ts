import { element } from '../../server/xml.js';
import { accessDenied, validationError } from '../errors.js';
import { isUserSession } from './callers.js';
import { operation } from './operation.js';

/** GetAccessKeyInfo: the account that a key belongs to, also of one that has ended. */
export const getAccessKeyInfo = operation({
  parse: (parameters) => parameters.required('AccessKeyId', { least: 16, most: 128, pattern: '[\\w]*' }),
  perform: (accessKeyId, context) => {
    const { caller, identities, region } = context;
    if (isUserSession(context)) throw accessDenied('Cannot call GetAccessKeyInfo with session credentials');
    caller.authorize({
      action: 'sts:GetAccessKeyInfo',
      resource: '*',
      context: { 'aws:RequestedRegion': [region] },
    });
    // AWS reads the account from the id itself, so it knows the keys of others as well.
    if (identities.find(accessKeyId) === undefined) {
      throw validationError(`The access key ID ${accessKeyId} does not exist.`);
    }
    return [element('Account', identities.accountId)];
  },
});
