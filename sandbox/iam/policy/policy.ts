import { readPolicyElement } from './grammar.js';
import { MalformedPolicy } from './malformed.js';
import { parseStatement, type Statement } from './statement.js';

/** An identity-based policy, or the session policy of temporary credentials. */
export interface Policy {
  /** The JSON that it was read from. */
  readonly text: string;
  readonly statements: readonly Statement[];
}

/**
 * Reads a policy document. Throws {@link MalformedPolicy}, which names the place, for anything that the sandbox does not
 * know: elements, operators and versions are refused, never passed over.
 */
export function parsePolicy(text: string): Policy {
  const { Version, Statement } = readPolicyElement(text);
  const variables = Version === '2012-10-17';
  const sids = Statement.map(({ Sid }) => Sid ?? '').filter((sid) => sid !== '');
  const repeated = sids.find((sid, index) => sids.indexOf(sid) !== index);
  if (repeated !== undefined) throw new MalformedPolicy('Statement', `two statements have the Sid ${repeated}.`);
  const statements = Statement.map((one, index) => parseStatement(one, { place: `Statement[${index}]`, variables }));
  return { text, statements };
}
