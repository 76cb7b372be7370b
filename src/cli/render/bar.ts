import { formatBytes, formatDuration, formatRate, type AppEvent } from '../../core/index.js';

/** How far an archive has come. */
export type Progress = AppEvent & { readonly kind: 'progress' };

const widestBar = 24;
const narrowestBar = 8;

/**
 * `  snap-0123456789abcdef0.1  [=======>       ]  45 %  1.20 GiB of 2.70 GiB  210 MiB/s  7.0 s left`, in at most `columns`
 * characters: the bar becomes shorter first, then what matters least is left out.
 */
export function bar(
  progress: Progress,
  { elapsedMs, columns }: { readonly elapsedMs: number; readonly columns: number },
): string {
  const { rawBytes, expectedRawBytes } = progress;
  const share = expectedRawBytes === 0 ? 1 : Math.min(1, rawBytes / expectedRawBytes);
  const leftMs = share > 0.01 ? (elapsedMs * (1 - share)) / share : undefined;
  const name = nameOf(progress);
  const percent = `${Math.floor(share * 100)
    .toString()
    .padStart(3)} %`;
  const bytes = `${formatBytes(rawBytes)} of ${formatBytes(expectedRawBytes)}`;
  const rate = formatRate(rawBytes, elapsedMs);
  const left = leftMs === undefined ? [] : [`${formatDuration(leftMs)} left`];
  // What is left of the terminal for the brackets and what is between them; the last column is never written to, because
  // some terminals then begin a new line.
  const room = (kept: readonly string[]): number => columns - 1 - ['', name, '', percent, ...kept].join('  ').length;
  for (const kept of [[bytes, rate, ...left], [bytes, ...left], [bytes], []]) {
    const width = Math.min(widestBar, room(kept) - 2);
    if (width >= narrowestBar) return ['', name, `[${drawn(share, width)}]`, percent, ...kept].join('  ');
  }
  return `  ${name}  ${percent}`.slice(0, Math.max(0, columns - 1));
}

function drawn(share: number, width: number): string {
  const filled = Math.round(share * width);
  return `${'='.repeat(filled)}${filled < width ? '>' : ''}`.padEnd(width).slice(0, width);
}

/** The snapshot, and which of its partitions: what stands between its id and `.tar` or `.img` in the key. */
function nameOf({ snapshotId, key }: Progress): string {
  const partition = new RegExp(`${snapshotId}(\\.[^.]+)\\.(?:tar|img)\\.`).exec(key)?.[1] ?? '';
  return `${snapshotId}${partition}`;
}
