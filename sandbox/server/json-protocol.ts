import type { ServerResponse } from 'node:http';

/** A value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** A JSON object, as requests and answers of AWS's JSON protocols are. */
export type JsonObject = Readonly<Record<string, Json>>;

/** Thrown for a body that is no JSON object; the message is a sentence for the client. */
export class MalformedJson extends Error {
  override readonly name = 'MalformedJson';
}

/** Reads a body; an empty one is an empty object. Throws {@link MalformedJson}. */
export function readJsonObject(content: Buffer): JsonObject {
  if (content.length === 0) return {};
  let value: Json;
  try {
    value = JSON.parse(content.toString('utf8')) as Json;
  } catch {
    throw new MalformedJson('The body is not JSON.');
  }
  if (!isJsonObject(value)) throw new MalformedJson('The body is not a JSON object.');
  return value;
}

/** Whether a value is an object with members. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An answer with a JSON body. */
export interface JsonAnswer {
  readonly status: number;
  readonly requestId: string;
  readonly body: JsonObject;
  /** Besides content-type, content-length and the request id. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** Sends it. */
export function sendJson(response: ServerResponse, { status, requestId, body, ...more }: JsonAnswer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'x-amzn-requestid': requestId,
    ...more.headers,
    'content-type': more.contentType ?? 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
