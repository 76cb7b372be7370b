import { element } from '../../server/xml.js';
import { operation } from './operation.js';

/** GetCallerIdentity: who calls. It needs no permission, and no policy can take it away. */
export const getCallerIdentity = operation({
  parse: () => undefined,
  perform: (_request, { caller }) => [
    element('Arn', caller.arn),
    element('UserId', caller.userId),
    element('Account', caller.accountId),
  ],
});
