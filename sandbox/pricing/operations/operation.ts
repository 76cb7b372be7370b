import { z } from 'zod';
import { serviceCodes, type ServiceCode } from '../catalog/index.js';
import { PricingError } from '../errors.js';
import type { Pager } from '../paging.js';

/** An operation of the Price List service: the members of its input, and what it does. */
export interface Operation {
  /** Throws {@link PricingError}. The input is JSON as the client sent it. */
  readonly run: (input: unknown, pager: Pager) => unknown;
}

/** Builds an operation of a schema for its input and the work. */
export function operation<T>(schema: z.ZodType<T>, work: (input: T, pager: Pager) => unknown): Operation {
  return { run: (input, pager) => work(parseInput(schema, input), pager) };
}

/** Members that most operations have. */
export const nextToken = z.string().optional();
export const formatVersion = z.literal('aws_v1', { error: 'FormatVersion can only be aws_v1' }).optional();

/** MaxResults from 1 to `largest`, which is also what is taken without it. */
export function maxResults(largest: number): z.ZodDefault<z.ZodNumber> {
  return z.int().min(1).max(largest).default(largest);
}

/** The service that a client names. Throws NotFoundException for one without prices here. */
export function knownService(code: string): ServiceCode {
  if (!/^[A-Za-z0-9]+$/.test(code)) {
    throw new PricingError('InvalidParameterException', 'ServiceCode can only contain a-z, A-Z, 0-9');
  }
  const found = serviceCodes.find((known) => known === code);
  if (found === undefined) {
    throw new PricingError('NotFoundException', `The sandbox has no prices of the service ${code}.`);
  }
  return found;
}

function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') ?? '';
  const reason = [place, issue?.message].filter((part) => part !== undefined && part !== '').join(': ');
  throw new PricingError('InvalidParameterException', `Input Parameters are invalid. ${reason}`);
}
