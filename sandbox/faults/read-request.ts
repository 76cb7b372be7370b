import type { z } from 'zod';
import { AppError } from '../../src/core/index.js';
import { faultKinds, faultRequestSchema, parametersOf, type FaultKind, type FaultRequest } from './fault.js';

/** How parameters are called where the request comes from: `bytesPerSecond`, or `bytes-per-second`. */
export type Spelling = (name: string) => string;

/** Reads a request from outside. Throws `usage` with one sentence about the first thing that is wrong. */
export function readFaultRequest(given: unknown, spelled: Spelling = (name) => name): FaultRequest {
  const read = faultRequestSchema.safeParse(given, { reportInput: true });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw issue === undefined ? new AppError('usage', 'This is no fault.') : explained(issue, given, spelled);
}

function explained(issue: z.core.$ZodIssue, given: unknown, spelled: Spelling): AppError {
  const kind = kindOf(given);
  const name = String(issue.path.at(-1) ?? '');
  const inFault = issue.path[0] === 'fault';
  if (inFault && kind === undefined) {
    const wanted = (given as { fault?: { kind?: unknown } }).fault?.kind;
    return new AppError('usage', `${JSON.stringify(wanted ?? '')} is not a kind of fault.`, {
      hint: `The kinds are: ${faultKinds.join(', ')}.`,
    });
  }
  const owner = inFault && kind !== undefined ? `The fault ${kind}` : 'A fault';
  const known = inFault && kind !== undefined ? parametersOf(kind) : Object.keys(faultRequestSchema.unwrap().shape);
  const hint = known.length === 0 ? `${owner} has no parameters.` : `It has: ${known.map(spelled).join(', ')}.`;
  if (issue.code === 'unrecognized_keys') {
    return new AppError('usage', `${owner} has no parameter ${issue.keys.map(spelled).join(', ')}.`, { hint });
  }
  if (issue.input === undefined) return new AppError('usage', `${owner} needs ${spelled(name)}.`, { hint });
  return new AppError('usage', `${spelled(name)} ${issue.message}, not ${JSON.stringify(issue.input)}.`);
}

function kindOf(given: unknown): FaultKind | undefined {
  const kind = (given as { fault?: { kind?: unknown } } | undefined)?.fault?.kind;
  return faultKinds.find((one) => one === kind);
}
