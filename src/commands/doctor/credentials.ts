import { toAppError } from '../../core/index.js';
import type { Caller } from '../../source/index.js';
import type { Cloud, FoundCredentials } from './cloud.js';
import { findingsOf, reasonOf, type Finding } from './finding.js';

/** Whether AWS can be asked anything. */
export type Access =
  | { readonly kind: 'usable'; /** Undefined where STS did not say. */ readonly caller: Caller | undefined }
  /** `because` follows "Not checked, because". */
  | { readonly kind: 'unusable'; readonly because: string };

const findings = findingsOf('aws');
const check = 'credentials';

/** Looks whether there are credentials, whose they are, and until when. */
export async function* checkCredentials(cloud: Cloud, signal: AbortSignal): AsyncGenerator<Finding, Access> {
  let found: FoundCredentials;
  try {
    found = await cloud.credentials();
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = toAppError(error);
    yield findings.failed(check, message, hint);
    return { kind: 'unusable', because: 'there are no credentials' };
  }
  let caller: Caller;
  try {
    caller = await cloud.caller(signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, hint } = toAppError(error);
    if (code === 'credentials') {
      yield findings.failed(check, `AWS refuses the key ${found.accessKeyId}. ${reasonOf(error)}`, hint);
      return { kind: 'unusable', because: 'AWS refuses the credentials' };
    }
    yield findings.unknown(
      check,
      `There is the key ${found.accessKeyId}, but STS does not say whose it is; migrate does not need STS. ${reasonOf(error)}`,
    );
    return { kind: 'usable', caller: undefined };
  }
  const until = found.expiresAt === undefined ? '' : `, until ${found.expiresAt.toISOString()}`;
  yield found.endForGood
    ? findings.warning(
        check,
        `The credentials are those of ${caller.arn}${until}. Nothing renews them: a migration that takes longer fails.`,
        'Use the role of the instance, or a profile, whose credentials are renewed.',
      )
    : findings.ok(
        check,
        `The credentials are those of ${caller.arn}${until === '' ? '' : `${until}, and are renewed before that`}.`,
      );
  return { kind: 'usable', caller };
}
