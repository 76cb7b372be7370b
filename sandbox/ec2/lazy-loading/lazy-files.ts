import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AppError, poll, type Clock } from '../../../src/core/index.js';
import { run, runText } from '../../../src/process/index.js';
import { coldMapOf } from './cold-blocks.js';

/** How fast a volume that was made of a snapshot gives what nobody has read of it yet. */
export interface LazyLoading {
  /** For each volume: so fast come all blocks together. */
  readonly bytesPerSecond: number;
  /** Before a block begins to come; many can wait at once. */
  readonly latencyMs: number;
}

/** Files of volumes as they are seen through lazy loading. */
export interface LazyFiles {
  /** Where the bytes of a volume can be read now: its file, or the slow view of it. */
  pathOf(file: string): Promise<string>;
  /**
   * Starts the slow view of a volume that has cold blocks, and returns where it is; the file itself if it has none.
   * What is served already stays. Throws `program-failed`.
   */
  serve(file: string): Promise<string>;
  /** Ends the slow view, if there is one. May be repeated. */
  end(file: string): Promise<void>;
}

const server = fileURLToPath(new URL('./server.js', import.meta.url));
/** More than the kernel needs to let go of a file. */
const endTimeoutMs = 2_000;

/** Lazy loading of volumes, or (without a speed) none: then only what an earlier run serves is looked after. */
export function lazyFiles(loading: LazyLoading | undefined, { clock }: { readonly clock: Clock }): LazyFiles {
  const ended = async (view: string): Promise<void> => {
    // The kernel may still be letting go of a loop device's file.
    const unmounted = async (): Promise<true | undefined> => {
      if (await isMounted(view)) await run(['umount', '--', view]).catch(() => undefined);
      return (await isMounted(view)) ? undefined : true;
    };
    const isUnmounted = await poll(unmounted, { clock, intervalMs: 10, timeoutMs: endTimeoutMs });
    if (isUnmounted === undefined) await run(['umount', '--lazy', '--', view]).catch(() => undefined);
    await rm(view, { force: true });
  };
  return {
    pathOf: async (file) => ((await isMounted(viewOf(file))) ? viewOf(file) : file),
    serve: async (file) => {
      const view = viewOf(file);
      if ((await isMounted(view)) && (await answers(view))) return view;
      await ended(view);
      if (loading === undefined || (await lacks(coldMapOf(file)))) return file;
      await writeFile(view, '', { mode: 0o600 });
      const command = [process.execPath, ...process.execArgv, server, file, view, JSON.stringify(loading)];
      const said = await runText(['setsid', '--fork', ...command]);
      if (said !== 'ready') throw new AppError('program-failed', `Lazy loading of ${file} could not begin.`);
      return view;
    },
    end: (file) => ended(viewOf(file)),
  };
}

function viewOf(file: string): string {
  return `${file}.lazy`;
}

async function answers(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function lacks(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
  );
}

async function isMounted(path: string): Promise<boolean> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  // The kernel writes blanks as octal digits.
  const shown = path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return lines.some((line) => line.split(' ')[4] === shown);
}
