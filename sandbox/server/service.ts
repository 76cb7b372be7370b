import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Caller } from './caller.js';
import type { Refusal } from './refusal.js';
import type { ServiceFault } from './service-fault.js';
import type { ServiceOperation } from './service-operation.js';

/** The signatures of the chunks of a body, to be asked in the order of the chunks. */
export interface ChunkSignatures {
  /** Whether this is the signature of a chunk with this hash (hexadecimal); the last chunk is empty. */
  verifyChunk(chunk: { readonly signature: string; readonly sha256: string }): boolean;
  /** Whether this is the signature of the trailing headers, given as `name:value\n` each. */
  verifyTrailer(trailer: { readonly signature: string; readonly text: string }): boolean;
}

/** One HTTP request to one AWS service, with what the router already knows of it. */
export interface ServiceRequest {
  readonly method: string;
  /** Path and query exactly as sent: `url` folds `..` and the like, which S3 keys may contain. */
  readonly target: string;
  /** The host is the one the client used. */
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came over the wire (aws-chunked framing included); already read where the service wants it whole. */
  readonly body: Readable;
  /** The whole body for a service with `bodies: 'whole'`; empty otherwise. */
  readonly content: Buffer;
  /** The region of the credential scope, or the default one. */
  readonly region: string;
  /** Whose key signed; undefined for anonymous requests. */
  readonly accessKeyId: string | undefined;
  /** Who that is, and what they may do. */
  readonly caller: Caller;
  /** Verifies the signatures within an aws-chunked body; undefined where its chunks are not signed. */
  readonly signedChunks: ChunkSignatures | undefined;
  /** Unique for each request; goes into the answer. */
  readonly requestId: string;
  /** What the service is to do wrong this time. */
  readonly fault?: ServiceFault;
}

/** What requests can be told apart by besides their operation: `bucket`, `key`, `resource`. */
export interface Particulars {
  readonly names: readonly string[];
  /** The values that a request has for each name; none where it does not say. */
  read(request: ServiceRequest): Readonly<Record<string, readonly string[]>>;
}

/** One service of the local AWS. */
export interface Service {
  /** The service name of the SigV4 credential scope: `s3`, `ec2`, `sts`. */
  readonly signingName: string;
  /** `whole`: bodies are small (at most 1 MiB) and read before the stages, which may look at them. */
  readonly bodies: 'streamed' | 'whole';
  /** Everything that the service can do. */
  readonly operations: readonly ServiceOperation[];
  /** Those of its operations that take requests that nobody has signed; undefined: none. */
  readonly unsignedOperations?: ReadonlySet<string>;
  /** What its requests can be told apart by; undefined: by their operation only. */
  readonly particulars?: Particulars;
  /** The name of the operation in the service's API reference; undefined where the request is none that the service has. */
  operationOf(request: ServiceRequest): string | undefined;
  /** Answers the request in full, errors included; throws a {@link Refusal}, or for a defect of the sandbox. */
  handle(request: ServiceRequest, response: ServerResponse): Promise<void>;
  /** Answers with a refusal, in the service's own codes and format. */
  refuse(refusal: Refusal, request: ServiceRequest, response: ServerResponse): void;
  /** Ends timers, writes state, frees devices. May be repeated. */
  close(): Promise<void>;
}
