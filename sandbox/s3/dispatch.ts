import { notImplemented, S3Error } from './errors.js';
import { header, type S3Request } from './http/request.js';
import { routes, type Route } from './routes/index.js';

/** Parameters that any request may have: the name SDKs repeat there, and what presigned URLs carry. */
const ordinary = /^(?:x-id|x-amz-.*)$/i;

/** Finds the operation for a request. Throws `NotImplemented`, naming what is not there, and `MethodNotAllowed`. */
export function findRoute(request: S3Request): Route {
  const on = request.bucket === undefined ? 'service' : request.key === undefined ? 'bucket' : 'object';
  const parameters = Array.from(request.query.keys()).filter((name) => !ordinary.test(name));
  const found = routes.find((one) => one.method === request.method && one.on === on && fits(one, request));
  const known = [...(found?.query.keys() ?? []), ...(found?.optional ?? [])];
  const unknown = parameters.find((name) => !known.includes(name));
  if (unknown !== undefined) throw notImplemented(`${request.method} ${on} with ?${unknown}`);
  if (found !== undefined) return found;
  if (request.method === 'POST') throw notImplemented('uploads from HTML forms (POST Object)');
  throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    Method: request.method,
    ResourceType: on.toUpperCase(),
  });
}

function fits(candidate: Route, request: S3Request): boolean {
  if (candidate.header !== undefined && header(request, candidate.header) === undefined) return false;
  return Array.from(candidate.query).every(([name, value]) => {
    const given = request.query.get(name);
    return given !== null && (value === '' || given === value);
  });
}
