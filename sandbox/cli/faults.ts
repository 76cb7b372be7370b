import { request } from 'node:http';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { AppError, count } from '../../src/core/index.js';
import { controlSocket, faultReport, type FaultReport } from '../faults/index.js';

/** What is done with the faults of a running sandbox. */
export type FaultOrder =
  { readonly kind: 'list' } | { readonly kind: 'clear' } | { readonly kind: 'add'; readonly specs: readonly string[] };

/** Lists, adds or clears faults of the sandbox that runs on a state directory, and says of each how it stands. Throws `usage`. */
export async function orderFaults(order: FaultOrder, options: { readonly state: string }): Promise<void> {
  const stateDirectory = resolve(options.state);
  switch (order.kind) {
    case 'list':
      print(await send('GET', stateDirectory));
      break;
    case 'clear':
      print(await send('DELETE', stateDirectory));
      break;
    case 'add':
      for (const spec of order.specs) print(await send('POST', stateDirectory, spec));
      break;
  }
}

/** `s3:PutObject=throttled fired 3 times (5 matching requests).` */
export function faultSentence({ spec, met, fired }: FaultReport): string {
  const often = fired === 0 ? 'has not fired' : `fired ${count(fired, 'time')}`;
  return `${spec} ${often} (${count(met, 'matching request')}).`;
}

function print(reports: readonly FaultReport[]): void {
  for (const report of reports) console.log(faultSentence(report));
  if (reports.length === 0) console.error('The sandbox has no faults.');
}

const refusal = z.object({ message: z.string(), hint: z.string().optional() });

async function send(method: string, stateDirectory: string, body = ''): Promise<readonly FaultReport[]> {
  const { status, content } = await exchange(method, controlSocket(stateDirectory), body).catch((cause: unknown) => {
    throw new AppError('usage', `No sandbox runs on ${stateDirectory}.`, {
      cause,
      hint: 'Start one in another terminal with: snap-to-s3 sandbox start',
    });
  });
  const answer: unknown = JSON.parse(content);
  if (status === 200) return z.array(faultReport).parse(answer);
  const { message, hint } = refusal.parse(answer);
  throw new AppError('usage', message, hint === undefined ? {} : { hint });
}

function exchange(
  method: string,
  socketPath: string,
  body: string,
): Promise<{ readonly status: number; readonly content: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ method, socketPath, path: '/faults', agent: false }, (answer) => {
      text(answer).then((content) => resolve({ status: answer.statusCode ?? 0, content }), reject);
    });
    sent.on('error', reject).end(body);
  });
}
