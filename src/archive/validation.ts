import { z } from 'zod';
import { encodeDocument, parseDocument } from './document.js';

/** The version of the record of a validation; see docs/FORMAT.md. */
const validationVersion = 1;

const validatedObject = z.object({
  key: z.string(),
  storedBytes: z.number().int().nonnegative(),
  etag: z.string(),
});

const validationSchema = z.object({
  format: z.literal('snap-to-s3-validation'),
  version: z.literal(validationVersion),
  tool: z.object({ name: z.string(), version: z.string() }),
  validatedAt: z.iso.datetime(),
  snapshotId: z.string(),
  objects: z.array(validatedObject),
});

/**
 * That the archive of a snapshot was found to be the same as the snapshot, and which objects that was said of: archives, their
 * indexes, and the manifest, as a listing has them. See docs/FORMAT.md.
 */
export type Validation = z.infer<typeof validationSchema>;

/** The record as it is stored: indented JSON and a line end. */
export function encodeValidation(validation: Validation): Buffer {
  return encodeDocument(validationSchema, validation);
}

/** Reads a record. Throws `corrupt-archive`, naming the field that is wrong. `where` is its key, for the message. */
export function parseValidation(text: string, where: string): Validation {
  const hint = 'Validate the archive again, which writes it anew.';
  return parseDocument(validationSchema, text, { what: 'record of a validation', where, hint });
}
