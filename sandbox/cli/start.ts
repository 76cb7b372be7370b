import { resolve } from 'node:path';
import { startSandbox } from '../index.js';
import { interruption } from './interruption.js';

/** Runs a sandbox until SIGINT or SIGTERM. Prints `export …` lines, ready for eval. Throws `usage`. */
export async function startInForeground(options: {
  readonly state: string;
  readonly port: number;
  readonly archiveSpeed: number;
}): Promise<void> {
  const stateDirectory = resolve(options.state);
  using interrupted = interruption();
  const sandbox = await startSandbox({
    stateDirectory,
    port: options.port,
    archiveSpeed: options.archiveSpeed,
    onNotice: (text) => console.error(text),
  });
  try {
    const lines = Object.entries(sandbox.environment).map(([name, value]) => `export ${name}=${value}`);
    console.log(lines.join('\n'));
    console.error(`The sandbox runs at ${sandbox.url} and keeps its state in ${stateDirectory}. End it with Ctrl+C.`);
    if (process.getuid?.() !== 0) {
      console.error('It does not run as root, so volumes cannot be attached. Start it with sudo for that.');
    }
    await interrupted.happened;
  } finally {
    await sandbox.close();
  }
  console.error('The sandbox has ended; its state is kept.');
}
