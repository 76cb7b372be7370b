import { messageOf, toAppError, type AppError } from '../../core/index.js';

/** What a check came to. `unknown` is what could not be found out, which is no failure. */
export type FindingStatus = 'ok' | 'warning' | 'failed' | 'unknown';

/** What a check is about, in the order in which they come. */
export type FindingGroup = 'machine' | 'aws' | 'bucket' | 'ec2';

/** What one check has found. */
export interface Finding {
  readonly kind: 'finding';
  readonly group: FindingGroup;
  /** A name for programs: `tar`, `clock`, `s3:PutObject`. */
  readonly check: string;
  readonly status: FindingStatus;
  /** A sentence, or several. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Makes the findings of one group. */
export interface FindingsOf {
  ok(check: string, text: string): Finding;
  warning(check: string, text: string, advice: string): Finding;
  failed(check: string, text: string, advice?: string): Finding;
  unknown(check: string, text: string, advice?: string): Finding;
  /** `because` follows "Not checked, because". */
  notChecked(check: string, because: string): Finding;
}

/** The findings of a group. */
export function findingsOf(group: FindingGroup): FindingsOf {
  const make =
    (status: FindingStatus) =>
    (check: string, text: string, advice?: string): Finding => ({
      kind: 'finding',
      group,
      check,
      status,
      text,
      ...(advice === undefined ? {} : { advice }),
    });
  const unknown = make('unknown');
  return {
    ok: make('ok'),
    warning: make('warning'),
    failed: make('failed'),
    unknown,
    notChecked: (check, because) => unknown(check, `Not checked, because ${because}.`),
  };
}

/** The sentence of anything that was thrown, without EC2's encoded reason: hundreds of characters that say nothing. */
export function reasonOf(error: unknown): string {
  return messageOf(error).replace(/ ?Encoded authorization failure message: \S+/, '');
}

/** What trying something came to. */
export type Attempt<T> =
  { readonly value: T; readonly error: undefined } | { readonly value: undefined; readonly error: AppError };

/** Does something, and gives what came of it or the error that it failed with; rejects only when `signal` has aborted. */
export async function attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<Attempt<T>> {
  try {
    return { value: await work(), error: undefined };
  } catch (error) {
    signal.throwIfAborted();
    return { value: undefined, error: toAppError(error) };
  }
}

/** The error with which something fails, if it does; see {@link attempt}. */
export async function failureOf(work: () => Promise<unknown>, signal: AbortSignal): Promise<AppError | undefined> {
  return (await attempt(work, signal)).error;
}
