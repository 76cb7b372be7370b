import type { ServiceFaultKind } from './service-fault.js';

/** An operation of a service, as far as faults must know it. */
export interface ServiceOperation {
  /** Its name in the service's API reference. */
  readonly name: string;
  /** Its requests may have a body, and the service notices by itself when that was damaged on the way. */
  readonly takesBody: boolean;
  /** Its answers have a body when it succeeds. */
  readonly givesBody: boolean;
  /** What only the service itself can do wrong. */
  readonly faults: readonly ServiceFaultKind[];
}

/** Operations with small documents for requests, verified with the signature, and documents for answers. */
export function documentOperations(names: Iterable<string>): readonly ServiceOperation[] {
  return Array.from(names, (name) => ({ name, takesBody: false, givesBody: true, faults: [] }));
}
