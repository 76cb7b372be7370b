import type { QueryParameters } from '../server/query-protocol.js';
import type { ServiceFault } from '../server/service-fault.js';
import { Ec2Error } from './errors.js';
import { busyLifecycle, failingLifecycle, stuckLifecycle } from './lifecycle/index.js';
import type { Operation, OperationContext } from './operations/index.js';
import { readParameters, type Answer } from './query/index.js';
import { isRead } from './service-operations.js';
import { noting, viewWithout, type Unseen, type Visibility } from './visibility.js';

/** An action that was asked for. */
export interface ActionRequest {
  readonly action: string;
  readonly perform: Operation;
  readonly parameters: QueryParameters;
}

/** Performs an action, with the fault that it is to have, and with what earlier faults hide from it. */
export async function performUnderFault(
  request: ActionRequest,
  context: OperationContext,
  { fault, visibility }: { readonly fault: ServiceFault | undefined; readonly visibility: Visibility },
): Promise<Answer> {
  const perform = (seen: OperationContext): Promise<Answer> =>
    request.perform(readParameters(request.parameters), seen);
  const { lifecycle, region } = context;
  if (isRead(request.action)) return look(perform, context, visibility.unseenIn(region.name));
  switch (fault?.kind) {
    case 'stuck':
      return perform({ ...context, lifecycle: stuckLifecycle(lifecycle, fault) });
    case 'busy':
      return perform({ ...context, lifecycle: busyLifecycle(lifecycle, fault) });
    case 'ends-in-error':
      return perform({ ...context, lifecycle: failingLifecycle(lifecycle, fault) });
    case 'late': {
      const notes = noting(region);
      const answer = await perform({ ...context, region: notes.region });
      const changed = notes.stop();
      if (changed.size === 0) return answer;
      const lateness = fault.begin();
      visibility.add(
        Array.from(changed, ([id, before]): Unseen => {
          return { region: region.name, id, before, lateness, applied: () => fault.applied() };
        }),
      );
      return answer;
    }
    case 'error-in-200':
    case undefined:
      return perform(context);
  }
}

type Look = (seen: OperationContext) => Promise<Answer>;

/** Answers without what is not seen yet. A change counts as hidden when the answer is another one without it alone. */
async function look(perform: Look, context: OperationContext, unseen: readonly Unseen[]): Promise<Answer> {
  if (unseen.length === 0) return perform(context);
  const nowMs = context.lifecycle.clock.now();
  const clock = { ...context.lifecycle.clock, now: () => nowMs };
  const still = { ...context, lifecycle: { ...context.lifecycle, clock } };
  const truth = await outcome(perform, still);
  for (const one of unseen) {
    const without = await outcome(perform, { ...still, region: viewWithout([one], context.region) });
    if (without !== truth) one.applied();
  }
  return perform({ ...still, region: viewWithout(unseen, context.region) });
}

async function outcome(perform: Look, context: OperationContext): Promise<string> {
  try {
    return JSON.stringify(await perform(context));
  } catch (error) {
    if (error instanceof Ec2Error) return `${error.code}: ${error.message}`;
    throw error;
  }
}
