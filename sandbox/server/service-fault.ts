/** The faults that only a service itself can commit; the pipeline commits all others. */
export const serviceFaultKinds = ['error-in-200', 'stuck', 'busy', 'ends-in-error', 'late'] as const;
export type ServiceFaultKind = (typeof serviceFaultKinds)[number];

/**
 * What the service is to do wrong with one request. `applied` says that it really did: a fault without an effect does not
 * count. May be called more than once.
 */
export type ServiceFault =
  /** S3: the answer begins with status 200 and ends as an error. */
  | {
      readonly kind: 'error-in-200';
      /** Whether the work was done all the same. */
      readonly work: 'done' | 'undone';
      readonly code: ErrorIn200Code;
      applied(): void;
    }
  /** EC2: what was begun does not go on. `hold` waits as long as that lasts; it rejects when the signal aborts. */
  | { readonly kind: 'stuck'; hold(signal: AbortSignal): Promise<void>; applied(): void }
  /** EC2: the machine seems to use a device that is to be taken away, until that time is over. */
  | { readonly kind: 'busy'; begin(): Period; applied(): void }
  /** EC2: what was begun goes wrong in the end, after `hold`. */
  | { readonly kind: 'ends-in-error'; hold(signal: AbortSignal): Promise<void>; applied(): void }
  /** EC2: the change is not seen at once. `begin` starts that time; it has an effect only when somebody looks. */
  | { readonly kind: 'late'; begin(): Period; applied(): void };

/** A time that begins with a request and goes on after it. */
export interface Period {
  readonly isOver: boolean;
}

/** The codes of errors in answers with status 200. */
export const errorIn200Codes = ['InternalError', 'SlowDown', 'ServiceUnavailable'] as const;
export type ErrorIn200Code = (typeof errorIn200Codes)[number];
