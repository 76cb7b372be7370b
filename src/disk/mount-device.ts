import { poll, type Clock } from '../core/index.js';
import { isProgramFailure, run } from '../process/index.js';

/** What is mounted, where and how. */
export interface DeviceMountOptions {
  readonly devicePath: string;
  readonly type: string;
  /** As after `mount -o`. */
  readonly flags: readonly string[];
  /** A directory that is there. */
  readonly mountPoint: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** As of `run`. */
  readonly limitMs?: number;
}

const busyMs = 10_000;

/**
 * Runs mount(8), and again for some seconds where the device is busy: whoever looks at new devices (multipath, RAID, LVM)
 * opens them alone for a moment, and what was just unmounted may live on in the mount namespace of a service that starts.
 * Throws `program-failed`.
 */
export async function mountDevice(options: DeviceMountOptions): Promise<void> {
  const { devicePath, type, flags, mountPoint, clock, ...running } = options;
  let busy: unknown;
  const mounted = await poll(
    async () => {
      try {
        await run(['mount', '-t', type, '-o', flags.join(','), devicePath, mountPoint], running);
        return true;
      } catch (error) {
        if (!isBusy(error)) throw error;
        busy = error;
        return undefined;
      }
    },
    { clock, intervalMs: 100, timeoutMs: busyMs, signal: options.signal },
  );
  if (mounted === undefined) throw busy;
}

function isBusy(error: unknown): boolean {
  const stderr = isProgramFailure(error) ? error.details.stderr : undefined;
  return typeof stderr === 'string' && stderr.includes('busy');
}
