import { awsFailure } from './aws-failure.js';
import { AppError, isAbort, messageOf } from './errors.js';

/** What of a credential provider of the SDK is used here. */
export type CredentialProvider<T = Identity> = (options?: { readonly forceRefresh?: boolean }) => Promise<T>;

interface Identity {
  readonly accessKeyId: string;
  readonly sessionToken?: string | undefined;
}

/** Makes `renewCredentials` of the options of `callAws` of the credential provider of an SDK client. */
export function credentialsRenewal(credentials: CredentialProvider): () => Promise<boolean> {
  return async () => {
    const before = await credentials();
    const after = await credentials({ forceRefresh: true });
    return before.accessKeyId !== after.accessKeyId || before.sessionToken !== after.sessionToken;
  };
}

/**
 * A provider whose failures can be told apart. At first they are final: there are no credentials. Once it has given some,
 * where they come from is away, which passes: `credentials`, retryable. A session of SSO that is over is `credentials`
 * with the command that begins the next; `profile` is the one it names.
 */
export function steadyCredentials<T extends Identity>(
  provider: CredentialProvider<T>,
  { profile }: { readonly profile: string },
): CredentialProvider<T> {
  let hasGiven = false;
  return async (options) => {
    try {
      const given = await provider(options);
      hasGiven = true;
      return given;
    } catch (error) {
      if (isAbort(error)) throw error;
      if (isSso(error)) throw ssoIsOver(error, { profile, retryable: hasGiven });
      throw hasGiven && isPassing(error) ? away(error) : error;
    }
  };
}

/** Denials and whatever else somebody has decided stay so. */
function isPassing(error: unknown): boolean {
  const { code, retryable } = awsFailure(error, { action: 'credentials', resource: 'their source' });
  return retryable || code === 'credentials';
}

/** What its providers say of a session that is over, or was not begun (the SDK's `resolveSSOCredentials`). */
function isSso(error: unknown): boolean {
  return /aws sso login|Session token not found or invalid/i.test(messageOf(error));
}

function ssoIsOver(cause: unknown, { profile, retryable }: { profile: string; retryable: boolean }): AppError {
  return new AppError('credentials', `The SSO session of the profile ${profile} is over, or was never begun.`, {
    cause,
    retryable,
    hint: `Log in, then run it again: aws sso login --profile ${profile}`,
  });
}

function away(cause: unknown): AppError {
  const said = messageOf(cause).trim().replace(/\.$/, '');
  return new AppError('credentials', `The AWS credentials are over, and new ones cannot be had: ${said}.`, {
    cause,
    retryable: true,
    hint: 'Where they come from does not answer: the metadata service, STS, SSO, or the program of the profile. When it does (aws sts get-caller-identity), run it again.',
  });
}
