import { S3Error } from '../errors.js';
import { header, type S3Request } from '../http/request.js';
import type { StoredObject } from '../state/index.js';
import { dateOf, etagMatches } from './conditional.js';

/** Checks `x-amz-copy-source-if-…`; a copy knows no "not modified". Throws `PreconditionFailed`. */
export function checkCopyConditions(request: S3Request, source: StoredObject): void {
  const condition = (name: string): string | undefined => header(request, `x-amz-copy-source-if-${name}`);
  const [ifMatch, ifNoneMatch] = [condition('match'), condition('none-match')];
  const [modified, unmodified] = [dateOf(condition('modified-since')), dateOf(condition('unmodified-since'))];
  const lastModifiedMs = Math.floor(source.lastModifiedMs / 1000) * 1000;
  const isRefused =
    (ifMatch !== undefined && !etagMatches(ifMatch, source)) ||
    (ifNoneMatch !== undefined && etagMatches(ifNoneMatch, source)) ||
    (ifMatch === undefined && unmodified !== undefined && lastModifiedMs > unmodified) ||
    (ifNoneMatch === undefined && modified !== undefined && lastModifiedMs <= modified);
  if (isRefused) {
    throw new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {});
  }
}
