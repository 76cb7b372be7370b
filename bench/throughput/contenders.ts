import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSeconds, memoryMiB } from '../process-facts.js';

/** What is measured: this tree, another compiled tree, or the peer that does the same work with nothing around it. */
export type Contender =
  | { readonly kind: 'sandbox'; readonly name: string; /** A folder of compiled files. */ readonly tree: string }
  | { readonly kind: 'peer'; readonly name: string };

/** A contender that listens, in a process of its own with a folder of its own; disposing ends it and removes the folder. */
export interface RunningContender extends AsyncDisposable {
  readonly contender: Contender;
  readonly port: number;
  /** What it has used of all cores so far, in seconds; to the hundredth. */
  cpuSeconds(): number;
  /** Its memory now. */
  residentMiB(): number;
  /** The most that it ever had. */
  peakMiB(): number;
}

/** Starts a contender. */
export async function start(contender: Contender, serverModule: string): Promise<RunningContender> {
  const directory = await mkdtemp(join(tmpdir(), 'snap-to-s3-bench-'));
  const server = fork(serverModule, [contender.kind, directory, contender.kind === 'sandbox' ? contender.tree : '']);
  const port = await new Promise<number>((resolve, reject) => {
    server.once('message', (message) => resolve(Number(message)));
    server.once('exit', (code) => reject(new Error(`${contender.name} ended with ${String(code)}`)));
  });
  return {
    contender,
    port,
    cpuSeconds: () => cpuSeconds(server.pid),
    residentMiB: () => memoryMiB(server.pid, 'VmRSS'),
    peakMiB: () => memoryMiB(server.pid, 'VmHWM'),
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.disconnect();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
