import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { toAppError } from '../../src/core/index.js';
import type { Faults } from './faults.js';
import type { InjectedFault } from './injected-fault.js';
import { formatFaultSpec, kebabCase, parseFaultSpec } from './spec-text.js';

/** A fault as another process sees it. */
export const faultReport = z.object({ spec: z.string(), met: z.number(), fired: z.number() }).readonly();
export type FaultReport = z.infer<typeof faultReport>;

/** Where a sandbox on a state directory takes orders about its faults. No request to AWS can come there. */
export function controlSocket(stateDirectory: string): string {
  return join(stateDirectory, 'control.sock');
}

/** What is to be told of a fault. */
export function reportOf({ request, met, fired }: InjectedFault): FaultReport {
  return { spec: formatFaultSpec(request), met, fired };
}

/**
 * Lets other processes of this user list (GET), add (POST with a spec) and clear (DELETE) faults. Disposing takes the
 * socket away. Throws what the system says, `EINVAL` for a path of more than 107 bytes.
 */
export async function serveControl(faults: Faults, socketPath: string): Promise<AsyncDisposable> {
  // Whoever has the state directory has the socket in it: one that is there was left by a crash.
  await rm(socketPath, { force: true });
  const server = createServer((request, response) => {
    void answer(faults, request).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        const { code, message, hint } = toAppError(error);
        send(response, code === 'usage' ? 400 : 500, { message, hint });
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  await chmod(socketPath, 0o600);
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(faults: Faults, request: IncomingMessage): Promise<readonly FaultReport[]> {
  if (request.method === 'POST') return [reportOf(faults.add(parseFaultSpec(await text(request)), kebabCase))];
  const all = faults.list().map(reportOf);
  if (request.method === 'DELETE') faults.clear();
  return all;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
