import { element, xmlDocument, type XmlElement } from '../../server/xml.js';
import type { Answer, AnswerValue } from './answer.js';

const namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** The document that answers an action. */
export function answerDocument(action: string, answer: Answer & { readonly requestId: string }): string {
  return xmlDocument(element(`${action}Response`, elements(answer), { xmlns: namespace }));
}

/** The document that answers an error. */
export function errorDocument(error: {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
}): string {
  const { code, message, requestId } = error;
  return xmlDocument(
    element('Response', elements({ Errors: { Error: { Code: code, Message: message } }, RequestID: requestId })),
  );
}

function elements(answer: Answer): readonly (XmlElement | undefined)[] {
  return Object.entries(answer).map(([name, value]) => (value === undefined ? undefined : named(name, value)));
}

function named(name: string, value: Exclude<AnswerValue, undefined>): XmlElement {
  if (isList(value))
    return element(
      name,
      value.map((item) => element('item', elements(item))),
    );
  return element(name, typeof value === 'object' ? elements(value) : legal(String(value)));
}

function isList(value: AnswerValue): value is readonly Answer[] {
  return Array.isArray(value);
}

/** What XML 1.0 cannot hold, not even escaped, becomes U+FFFD. */
function legal(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}
