import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { formatBytes, formatDuration, formatRate, type AppEvent, type Clock } from '../../core/index.js';
import type { Output, Renderer } from './renderer.js';
import { sentenceOf, type Sentence } from './sentences.js';

type Progress = AppEvent & { readonly kind: 'progress' };

const barWidth = 24;

/** Lines that stay, and below them a bar for each archive under way. `colour` is not the only signal: marks tell the same. */
export function terminalRenderer(
  { stdout }: Output,
  options: { readonly clock: Clock; readonly colour: boolean },
): Renderer {
  const live = createLogUpdate(stdout);
  const running = new Map<string, { readonly startedMs: number; latest: Progress }>();
  const draw = (): void => {
    const lines = [...running.values()].map((one) => bar(one.latest, options.clock.now() - one.startedMs));
    if (lines.length === 0) live.clear();
    else live(lines.join('\n'));
  };
  const stay = (text: string): void => {
    live.clear();
    stdout.write(`${text}\n`);
    draw();
  };
  return {
    event: (event) => {
      if (event.kind === 'progress') {
        const known = running.get(event.key);
        if (known === undefined) running.set(event.key, { startedMs: options.clock.now(), latest: event });
        else known.latest = event;
        draw();
        return;
      }
      if (event.kind === 'object-archived') running.delete(event.object.key);
      if (event.kind === 'snapshot-failed' || event.kind === 'snapshot-left') forget(running, event.snapshotId);
      const sentence = sentenceOf(event);
      if (sentence !== undefined) stay(mark(sentence, options.colour));
    },
    say: stay,
    [Symbol.dispose]: () => {
      live.clear();
      live.done();
    },
  };
}

function forget(running: Map<string, { readonly latest: Progress }>, snapshotId: string): void {
  for (const [key, one] of running) if (one.latest.snapshotId === snapshotId) running.delete(key);
}

const marks = {
  plain: { mark: ' ', colour: 'reset' },
  good: { mark: '✓', colour: 'green' },
  notice: { mark: 'i', colour: 'cyan' },
  warning: { mark: '!', colour: 'yellow' },
  error: { mark: '✗', colour: 'red' },
} as const;

function mark(sentence: Sentence, colour: boolean): string {
  const { mark: sign, colour: name } = marks[sentence.kind];
  return `${colour ? styleText(name, sign) : sign} ${sentence.text}`;
}

/** `  [=======>       ]  45 %  1.2 GiB of 2.7 GiB  210 MiB/s  7 s left` */
function bar(progress: Progress, elapsedMs: number): string {
  const { rawBytes, expectedRawBytes } = progress;
  const share = expectedRawBytes === 0 ? 1 : Math.min(1, rawBytes / expectedRawBytes);
  const filled = Math.round(share * barWidth);
  const drawn = `${'='.repeat(filled)}${filled < barWidth ? '>' : ''}`.padEnd(barWidth).slice(0, barWidth);
  const leftMs = share > 0.01 ? (elapsedMs * (1 - share)) / share : undefined;
  return [
    `  [${drawn}]`,
    `${Math.floor(share * 100)
      .toString()
      .padStart(3)} %`,
    `${formatBytes(rawBytes)} of ${formatBytes(expectedRawBytes)}`,
    formatRate(rawBytes, elapsedMs),
    leftMs === undefined ? '' : `${formatDuration(leftMs)} left`,
  ].join('  ');
}
