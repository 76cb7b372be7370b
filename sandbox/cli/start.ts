import { resolve } from 'node:path';
import { messageOf } from '../../src/core/index.js';
import { controlSocket, reportOf, serveControl, type FaultRequest } from '../faults/index.js';
import { startSandbox, type Sandbox } from '../index.js';
import { faultSentence } from './faults.js';
import { interruption } from './interruption.js';

/** How `start` was asked for. */
export interface StartOptions {
  readonly state: string;
  readonly port: number;
  readonly fault?: readonly FaultRequest[];
}

/** Runs a sandbox until SIGINT or SIGTERM. Prints `export …` lines, ready for eval. Throws `usage`. */
export async function startInForeground(options: StartOptions): Promise<void> {
  const stateDirectory = resolve(options.state);
  using interrupted = interruption();
  const sandbox = await startSandbox({ stateDirectory, port: options.port, onNotice: (text) => console.error(text) });
  try {
    for (const fault of options.fault ?? []) sandbox.faults.add(fault);
    await using _control = await controlOf(sandbox, stateDirectory);
    const lines = Object.entries(sandbox.environment).map(([name, value]) => `export ${name}=${value}`);
    console.log(lines.join('\n'));
    console.error(`The sandbox runs at ${sandbox.url} and keeps its state in ${stateDirectory}. End it with Ctrl+C.`);
    if (process.getuid?.() !== 0) {
      console.error('It does not run as root, so volumes cannot be attached. Start it with sudo for that.');
    }
    await interrupted.happened;
    for (const fault of sandbox.faults.list()) console.error(faultSentence(reportOf(fault)));
  } finally {
    await sandbox.close();
  }
  console.error('The sandbox has ended; its state is kept.');
}

/** A sandbox that cannot be told about faults is one all the same. */
async function controlOf({ faults }: Sandbox, stateDirectory: string): Promise<AsyncDisposable> {
  try {
    return await serveControl(faults, controlSocket(stateDirectory));
  } catch (error) {
    console.error(`snap-to-s3 sandbox faults cannot reach this sandbox: ${messageOf(error)}`);
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}
