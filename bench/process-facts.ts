import { readFileSync } from 'node:fs';

/** What a process and its threads have used of all cores so far, in seconds; Linux counts in hundredths (proc(5)). */
export function cpuSeconds(pid: number | undefined): number {
  const [, fields = ''] = readFileSync(`/proc/${String(pid)}/stat`, 'latin1').split(') ');
  const [utime, stime] = fields.split(' ').slice(11, 13);
  return (Number(utime) + Number(stime)) / 100;
}

/** The memory of a process: resident now, or the most that ever was. */
export function memoryMiB(pid: number | undefined, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'latin1');
  return Math.round(Number(new RegExp(`${which}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}

/** The process itself and all that descend from it, as far as they are still there. */
export function familyOf(pid: number): readonly number[] {
  try {
    const tasks = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    return [pid, ...tasks.flatMap((child) => familyOf(Number(child)))];
  } catch {
    return [];
  }
}

/** The program of a process (`node`), or nothing when it is gone. */
export function programOf(pid: number): string | undefined {
  try {
    const [path = ''] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return path.split('/').at(-1);
  } catch {
    return undefined;
  }
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median of times with the lowest and the highest: `1.2 s (1.1–1.4)`. */
export function secondsText(values: readonly number[]): string {
  return `${median(values).toFixed(1)} s (${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)})`;
}
