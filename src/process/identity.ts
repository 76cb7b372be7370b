import { readFileSync, readlinkSync } from 'node:fs';

/** What tells a process from every other one, also from a later one with the same number. */
export interface ProcessIdentity {
  /** Of the boot of the machine: after a restart nothing of before lives. */
  readonly bootId: string;
  /** The number means something within this PID namespace only (containers have their own). */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return {
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? '',
  };
}

/**
 * Whether a process of this machine is known to have ended. False where that cannot be known: another machine, another
 * container.
 */
export function hasEnded({ bootId: boot, pidNamespace: namespace, pid, startTicks: ticks }: ProcessIdentity): boolean {
  if (boot !== bootId() || namespace !== pidNamespace()) return false;
  return startTicks(pid) !== ticks;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}

/** Field 22 of /proc/<pid>/stat (proc(5)); undefined where there is no such process, or it is a zombie. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may contain anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
