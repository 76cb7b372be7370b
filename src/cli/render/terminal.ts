import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { count, type AppEvent, type Clock, type SnapshotId } from '../../core/index.js';
import { bar, type Progress } from './bar.js';
import { endedObject } from './ended-object.js';
import type { Output, Renderer } from './renderer.js';
import { sentenceOf, type Sentence } from './sentences.js';

interface Running {
  readonly startedMs: number;
  latest: Progress;
}

/** Redrawing more often than this only costs time; several archives at once would make it many times a second. */
const drawIntervalMs = 80;

/** Lines that stay, and below them a bar for each archive under way. `colour` is not the only signal: marks tell the same. */
export function terminalRenderer(
  { stdout }: Output,
  options: { readonly clock: Clock; readonly colour: boolean },
): Renderer {
  const live = createLogUpdate(stdout);
  const running = new Map<string, Running>();
  // What is still on its way when a snapshot has ended must not bring its bar back.
  const ended = new Set<string>();
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    drawnAtMs = options.clock.now();
    if (running.size === 0) live.clear();
    else live(bars([...running.values()], options.clock.now(), stdout).join('\n'));
  };
  const stay = (text: string): void => {
    live.clear();
    stdout.write(`${text}\n`);
    draw();
  };
  const progress = (event: Progress): void => {
    if (ended.has(event.snapshotId)) return;
    const known = running.get(event.key);
    if (known === undefined) running.set(event.key, { startedMs: options.clock.now(), latest: event });
    else known.latest = event;
    if (known === undefined || options.clock.now() - drawnAtMs >= drawIntervalMs) draw();
  };
  return {
    event: (event) => {
      if (event.kind === 'progress') {
        progress(event);
        return;
      }
      follow(event, running, ended);
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

/** Whether a snapshot is over with it; one that is validated right after it was archived begins again. */
function isEnd(event: AppEvent): event is AppEvent & { readonly snapshotId: SnapshotId } {
  return ['snapshot-archived', 'snapshot-validated', 'snapshot-restored', 'snapshot-failed', 'snapshot-left'].includes(
    event.kind,
  );
}

/** Takes away the bars of what is over. */
function follow(event: AppEvent, running: Map<string, Running>, ended: Set<string>): void {
  if (event.kind === 'snapshot-started' || (event.kind === 'stage' && event.stage === 'validating')) {
    ended.delete(event.snapshotId);
  }
  const key = endedObject(event);
  if (key !== undefined) running.delete(key);
  if (event.kind === 'run-finished' || event.kind === 'run-failed') running.clear();
  if (!isEnd(event)) return;
  ended.add(event.snapshotId);
  for (const [key, one] of running) if (one.latest.snapshotId === event.snapshotId) running.delete(key);
}

/** As many bars as the terminal has lines for: what has left its top cannot be drawn anew. */
function bars(running: readonly Running[], nowMs: number, { columns, rows }: NodeJS.WriteStream): readonly string[] {
  const width = columns > 0 ? columns : 80;
  const fits = Math.max(1, (rows > 0 ? rows : 24) - 2);
  const shown = running.length > fits ? running.slice(0, fits - 1) : running;
  const lines = shown.map(({ latest, startedMs }) => bar(latest, { elapsedMs: nowMs - startedMs, columns: width }));
  const more = running.length - shown.length;
  return more === 0 ? lines : [...lines, `  and ${count(more, 'archive')} more`.slice(0, width - 1)];
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
