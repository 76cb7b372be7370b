import { z } from 'zod';
import { errorIn200Codes, serviceFaultKinds, type ServiceFaultKind } from '../server/service-fault.js';

/** Longer than that, and timers of Node end at once (2^31 - 1). */
const longestMs = 2_147_483_647;

const milliseconds = z
  .int('must be a whole number of milliseconds')
  .min(0, 'must not be negative')
  .max(longestMs, `must be at most ${longestMs}; leave it out for ever`);
const bytes = z.int('must be a whole number of bytes').min(0, 'must not be negative');
const when = z.enum(['before', 'after'], 'must be before or after');
/** Of which body. If it is not given: of the answer where the operation's answers have one, else of the request. */
const body = z.enum(['request', 'response'], 'must be request or response').optional();

/** Everything that can go wrong, with what must be said of it. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** The service's own answer to too many requests. */
  z.strictObject({ kind: z.literal('throttled') }).readonly(),
  /** 500. */
  z.strictObject({ kind: z.literal('internal-error') }).readonly(),
  /** 503. */
  z.strictObject({ kind: z.literal('unavailable') }).readonly(),
  /** The session token is over. */
  z.strictObject({ kind: z.literal('expired-token') }).readonly(),
  /**
   * The connection is reset: before the work, which is then not done, or after it, and not a byte of the answer has left.
   * If it is not given: before.
   */
  z.strictObject({ kind: z.literal('reset'), when: when.optional() }).readonly(),
  /**
   * No answer until the client gives up; after `ms`, or when the fault is removed, everything goes on. `after`: the work
   * is done meanwhile. If it is not given: before.
   */
  z.strictObject({ kind: z.literal('hang'), when: when.optional(), ms: milliseconds.optional() }).readonly(),
  /** Bytes pass no faster than that. */
  z.strictObject({ kind: z.literal('slow'), bytesPerSecond: bytes.min(1, 'must be at least 1'), body }).readonly(),
  /** The connection ends after so many bytes of the body, although there are more. */
  z.strictObject({ kind: z.literal('truncated'), afterBytes: bytes, body }).readonly(),
  /** One bit of the body is another one: in this byte of what is stored or was asked for, or anywhere. */
  z.strictObject({ kind: z.literal('flipped-bit'), atByte: bytes.optional(), body }).readonly(),
  /** S3: status 200, and an error for a body; with the work done or undone. If it is not given: undone, InternalError. */
  z
    .strictObject({
      kind: z.literal('error-in-200'),
      work: z.enum(['done', 'undone'], 'must be done or undone').optional(),
      code: z.enum(errorIn200Codes, `must be one of ${errorIn200Codes.join(', ')}`).optional(),
    })
    .readonly(),
  /** EC2: what was begun stays as it is for `ms`, or until the fault is removed. */
  z.strictObject({ kind: z.literal('stuck'), ms: milliseconds.optional() }).readonly(),
  /** EC2: the device of a volume that is detached seems to be in use for `ms`, or until the fault is removed. */
  z.strictObject({ kind: z.literal('busy'), ms: milliseconds.optional() }).readonly(),
  /** EC2: what was begun ends in the state `error`, after `ms`. */
  z.strictObject({ kind: z.literal('ends-in-error'), ms: milliseconds.optional() }).readonly(),
  /** EC2: for `ms`, describing shows everything as it was before. */
  z.strictObject({ kind: z.literal('late'), ms: milliseconds }).readonly(),
]);

const wholeNumber = z.int('must be a whole number');

/** What is to go wrong, where and how often. */
export const faultRequestSchema = z
  .strictObject({
    /** `s3:UploadPart`; `*` stands for any text: `s3:*`, `ec2:Describe*`, `*`. */
    operation: z.string(),
    fault: faultSchema,
    /** Not more often than that. If it is not given: as long as the fault is there. */
    times: wholeNumber.min(1, 'must be at least 1').optional(),
    /** So many matching requests are spared first. */
    skip: wholeNumber.min(0, 'must not be negative').optional(),
    /** Of the matching requests after those, this share. The same seed strikes the same ones. */
    probability: z.number('must be a number').gt(0, 'must be more than 0').max(1, 'must be at most 1').optional(),
    /** Decides which requests and which places. If it is not given: 0. */
    seed: wholeNumber.optional(),
    /** Only requests with these particulars: `{ key: 'vol-1/*', partNumber: '3' }`. `*` stands for any text. */
    where: z.record(z.string(), z.string('must be text')).readonly().optional(),
  })
  .readonly();

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];
export type FaultRequest = z.infer<typeof faultRequestSchema>;

/** The faults that the service itself commits. */
export type FaultOfService = Extract<Fault, { readonly kind: ServiceFaultKind }>;

/** Whether the service itself commits it. */
export function isOfService(fault: Fault): fault is FaultOfService {
  return (serviceFaultKinds as readonly string[]).includes(fault.kind);
}

/** The kinds in the order of {@link faultSchema}. */
export const faultKinds: readonly FaultKind[] = faultSchema.options.map((option) => option.unwrap().shape.kind.value);

/** The names of what can be said of a kind. */
export function parametersOf(kind: FaultKind): readonly string[] {
  const shape = faultSchema.options.find((option) => option.unwrap().shape.kind.value === kind)?.unwrap().shape;
  return Object.keys(shape ?? {}).filter((name) => name !== 'kind');
}
