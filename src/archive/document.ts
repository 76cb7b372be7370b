import type { z } from 'zod';
import { AppError } from '../core/index.js';

// Small JSON objects that lie beside archives. See docs/FORMAT.md.

/** A document as it is stored: indented JSON and a line end. */
export function encodeDocument<T>(schema: z.ZodType<T>, document: T): Buffer {
  return Buffer.from(`${JSON.stringify(schema.parse(document), undefined, 2)}\n`, 'utf8');
}

/** How a document that cannot be read is spoken of. */
export interface DocumentName {
  /** `manifest`. */
  readonly what: string;
  /** Its key. */
  readonly where: string;
  /** What to do about one that this version does not understand. */
  readonly hint: string;
}

/** Reads a document. Throws `corrupt-archive`, naming the field that is wrong. */
export function parseDocument<T>(schema: z.ZodType<T>, text: string, { what, where, hint }: DocumentName): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AppError('corrupt-archive', `The ${what} ${where} is not JSON.`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError(
    'corrupt-archive',
    `The ${what} ${where} is not one that this version understands: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`,
    { hint, cause: parsed.error },
  );
}
