import { AppError } from '../../src/core/index.js';
import type { ServiceOperation } from '../server/service-operation.js';
import { canHave, type FaultyService } from './applicable.js';
import type { FaultRequest } from './fault.js';
import { matches } from './pattern.js';

interface Target {
  readonly fullName: string;
  readonly operation: ServiceOperation;
  readonly service: FaultyService;
}

/**
 * The operations that a request means and that can have its fault, by full name (`s3:UploadPart`). Throws `usage` where
 * there are none.
 */
export function targetsOf(
  request: FaultRequest,
  services: readonly FaultyService[],
): ReadonlyMap<string, ServiceOperation> {
  const all = services.flatMap((service) =>
    service.operations.map((operation): Target => {
      return { fullName: `${service.signingName}:${operation.name}`, operation, service };
    }),
  );
  const named = all.filter(({ fullName }) => matches(fullName, request.operation));
  if (named.length === 0) throw unknownOperation(request.operation, all);
  const { fault } = request;
  const able = named.filter(({ operation, service }) => canHave(fault, operation, service));
  if (able.length === 0) {
    const others = all.filter(({ operation, service }) => canHave(fault, operation, service));
    throw new AppError('usage', `${request.operation} cannot have the fault ${describe(fault)}.`, {
      hint:
        others.length === 0 ? 'No operation can.' : `It is for ${others.map(({ fullName }) => fullName).join(', ')}.`,
    });
  }
  const wanted = Object.keys(request.where ?? {});
  const found = able.filter(({ service }) => wanted.every((name) => service.particulars?.names.includes(name)));
  if (found.length === 0) {
    const known = [...new Set(able.flatMap(({ service }) => service.particulars?.names ?? []))];
    const told = known.length === 0 ? 'nothing' : known.join(', ');
    throw new AppError('usage', `Requests of ${request.operation} cannot be told apart by ${wanted.join(', ')}.`, {
      hint: `They can be told apart by ${told}.`,
    });
  }
  return new Map(found.map(({ fullName, operation }) => [fullName, operation]));
}

function describe(fault: FaultRequest['fault']): string {
  const body = 'body' in fault && fault.body !== undefined ? ` of the ${fault.body} body` : '';
  return `${fault.kind}${body}`;
}

function unknownOperation(wanted: string, all: readonly Target[]): AppError {
  const names = all.map(({ fullName }) => fullName);
  const meant = names.find((name) => name.toLowerCase() === wanted.toLowerCase() || name.endsWith(`:${wanted}`));
  const ofService = names.filter((name) => name.startsWith(`${wanted.split(':')[0] ?? ''}:`));
  const services = [...new Set(all.map(({ service }) => service.signingName))];
  const hint =
    meant !== undefined
      ? `Do you mean ${meant}?`
      : ofService.length > 0
        ? `There are: ${ofService.join(', ')}.`
        : `Write SERVICE:OPERATION; the services are ${services.join(', ')}, and * stands for any text.`;
  return new AppError('usage', `The sandbox has no operation ${JSON.stringify(wanted)}.`, { hint });
}
