import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openIdentities, parsePolicy, type Identities, type Policy } from '../../../sandbox/iam/index.js';
import type { Access, Caller } from '../../../sandbox/server/caller.js';
import { Refusal } from '../../../sandbox/server/refusal.js';
import type { Clock } from '../../../src/core/index.js';

/** The account of the tests. */
export const accountId = '123456789012';

/** Identities in a directory of their own, with a clock that the test moves. */
export interface TestIdentities {
  readonly directory: string;
  readonly clock: Clock;
  readonly identities: Identities;
  readonly pass: (ms: number) => void;
  /** Opens the directory anew, as a sandbox does that starts again: users and roles are to be added again. */
  readonly reopen: () => Identities;
}

/** Opens identities; the directory goes when the test ends. */
export async function testIdentities(): Promise<TestIdentities> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-iam-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  let nowMs = Date.UTC(2026, 10, 23, 12);
  const clock: Clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  const reopen = () => openIdentities({ directory: join(directory, 'iam'), accountId, clock });
  return { directory: join(directory, 'iam'), clock, identities: reopen(), pass: (ms) => (nowMs += ms), reopen };
}

/** A policy of one statement that allows. */
export function allowing(action: string, resource = '*', condition: object = {}): Policy {
  const statement = { Effect: 'Allow', Action: action, Resource: resource, Condition: condition };
  return parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statement }));
}

/** What the refusal of an access says; undefined where it is allowed. */
export function refusalOf(caller: Caller | undefined, access: Access): string | undefined {
  try {
    if (caller === undefined) throw new Error('nobody calls');
    caller.authorize(access);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'access-denied') return error.message;
    throw error;
  }
}

/** `arn:aws:s3:::bucket/key` */
export const reading: Access = { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/key' };
