import type { TemporaryKey } from '../../iam/index.js';
import { element, type XmlElement } from '../../server/xml.js';

/** The element Credentials of an answer; its Expiration is in whole seconds. */
export function credentials(key: TemporaryKey): XmlElement {
  return element('Credentials', [
    element('AccessKeyId', key.accessKeyId),
    element('SecretAccessKey', key.secretAccessKey),
    element('SessionToken', key.sessionToken),
    element('Expiration', new Date(key.expiresAtMs).toISOString().replace(/\.\d+Z$/, 'Z')),
  ]);
}
