import type { ServerResponse } from 'node:http';
import type { ErrorIn200Code } from '../server/service-fault.js';
import type { ServiceRequest } from '../server/service.js';
import { errorDocument, S3Error } from './errors.js';

/** The operations that begin their answer before they know how they end (S3 API reference, each of these). */
export const longOperations = ['CompleteMultipartUpload', 'CopyObject', 'UploadPartCopy'];

/** Ends an operation with an error in an answer that has begun with status 200. */
export class ErrorIn200 extends Error {
  override readonly name = 'ErrorIn200';
  readonly code: ErrorIn200Code;

  constructor(code: ErrorIn200Code) {
    super(`${code} in an answer with status 200`);
    this.code = code;
  }
}

/** Where a long operation may fail on demand: before its work, and when that is done. Throws {@link ErrorIn200}. */
export function mayFail({ fault }: ServiceRequest, work: 'done' | 'undone'): void {
  if (fault?.kind !== 'error-in-200' || fault.work !== work) return;
  fault.applied();
  throw new ErrorIn200(fault.code);
}

const messages: Readonly<Record<ErrorIn200Code, string>> = {
  InternalError: 'We encountered an internal error. Please try again.',
  SlowDown: 'Please reduce your request rate.',
  ServiceUnavailable: 'Service is unable to handle request.',
};

/** Blanks that S3 sends while it works. They come after the XML declaration: before it, they would be no XML. */
const blanks = ' '.repeat(3);

/** Answers 200, blanks, and the error. */
export function answerErrorIn200({ code }: ErrorIn200, request: ServiceRequest, response: ServerResponse): void {
  const document = errorDocument(new S3Error(code, messages[code]), request.url.pathname, request.requestId);
  // The length cannot be known when the answer begins, so the body is chunked.
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(document.replace('?>\n', `?>\n${blanks}\n`));
}
