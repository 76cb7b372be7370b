import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** One HTTP request to one AWS service, with what the router already knows of it. */
export interface ServiceRequest {
  readonly method: string;
  /** Path and query exactly as sent: `url` folds `..` and the like, which S3 keys may contain. */
  readonly target: string;
  /** The host is the one the client used. */
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came over the wire (aws-chunked framing included). */
  readonly body: Readable;
  /** The region of the credential scope, or the default one. */
  readonly region: string;
  /** Who signed; undefined for anonymous requests. */
  readonly accessKeyId: string | undefined;
  /** Unique for each request; goes into the answer. */
  readonly requestId: string;
}

/** One service of the local AWS. */
export interface Service {
  /** The service name of the SigV4 credential scope: `s3`, `ec2`, `sts`. */
  readonly signingName: string;
  /** Answers the request in full, errors included; throws only for a defect of the sandbox. */
  handle(request: ServiceRequest, response: ServerResponse): Promise<void>;
  /** Ends timers, writes state, frees devices. May be repeated. */
  close(): Promise<void>;
}
