import type { OutgoingHttpHeaders } from 'node:http';
import type { JsonObject } from '../../server/json-protocol.js';
import type { ServiceRequest } from '../../server/service.js';
import type { Lifecycle } from '../lifecycle/index.js';

/** What an operation works on. */
export interface OperationContext {
  readonly request: ServiceRequest;
  /** The parts of the path that have names. */
  readonly path: Readonly<Record<string, string>>;
  readonly lifecycle: Lifecycle;
}

/** What it answers: JSON, or the bytes of a block. */
export interface OperationAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders & Readonly<Record<string, string>>;
  readonly body: JsonObject | Buffer;
}

/** An operation of EBS direct; throws `EbsError`, and `Refusal` where policies do not allow it. */
export type Operation = (context: OperationContext) => Promise<OperationAnswer>;
