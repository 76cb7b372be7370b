import { Worker } from 'node:worker_threads';
import type { DigestOptions, Digests } from '../digests.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';
import type { Slabs } from './slabs.js';

/** One thread, as the one that serves requests sees it. */
export interface Thread {
  /** How many bodies it has. */
  readonly busy: number;
  /** Begins a body on it. */
  begin(fd: number, digests: DigestOptions): BodyOnThread;
  /** Ends it, and fails what it still has. */
  close(): Promise<void>;
}

/** A body that a thread has; whoever has it awaits one thing at a time. */
export interface BodyOnThread {
  /** Resolves when at most `count` of its slabs are on their way. Throws what the thread could not do. */
  untilUnderWay(count: number): Promise<void>;
  /** Hands a filled slab over; it is given back when its bytes are in the file. */
  send(slab: number, bytes: number): void;
  /** Resolves when all of it is in the file. Throws what the thread could not do. */
  end(): Promise<Digests>;
  /** Resolves when the thread does not touch the file any more. */
  abandon(): Promise<void>;
}

interface BodyState {
  underWay: number;
  outcome:
    | { readonly kind: 'open' }
    | { readonly kind: 'failed'; readonly error: unknown }
    | { readonly kind: 'ended'; readonly digests: Digests };
  /** Something of this has changed. */
  changed: () => void;
}

let lastBody = 0;

/** Starts a thread, which does not keep the process alive while it has nothing to do. */
export function startThread(slabs: Slabs, onExit: () => void): Thread {
  const workerData: ThreadData = { memory: slabs.memory };
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
  worker.unref();
  const bodies = new Map<number, BodyState>();
  const bodyOfSlab = new Map<number, BodyState>();
  let exitError: unknown;
  let hasExited = false;

  const post = (message: ToThread): void => worker.postMessage(message);
  const giveBack = (slab: number): void => {
    const body = bodyOfSlab.get(slab);
    if (body === undefined) return;
    bodyOfSlab.delete(slab);
    body.underWay -= 1;
    slabs.give(slab);
    body.changed();
  };
  const decide = (body: BodyState | undefined, outcome: BodyState['outcome']): void => {
    if (body?.outcome.kind !== 'open') return;
    body.outcome = outcome;
    body.changed();
  };
  const forget = (id: number): void => {
    bodies.delete(id);
    if (bodies.size === 0) worker.unref();
  };

  worker.on('message', (message: FromThread) => {
    switch (message.kind) {
      case 'freed':
        giveBack(message.slab);
        break;
      case 'failed':
        decide(bodies.get(message.body), { kind: 'failed', error: message.error });
        break;
      case 'ended':
        decide(bodies.get(message.body), { kind: 'ended', digests: message.digests });
        break;
    }
  });
  worker.once('error', (error) => {
    exitError = error;
  });
  worker.once('exit', () => {
    hasExited = true;
    onExit();
    const error = exitError ?? new Error('The thread that wrote the body has been ended.');
    for (const body of bodies.values()) decide(body, { kind: 'failed', error });
    for (const slab of [...bodyOfSlab.keys()]) giveBack(slab);
  });

  return {
    get busy() {
      return bodies.size;
    },
    begin: (fd, digests) => {
      lastBody += 1;
      const id = lastBody;
      const body: BodyState = { underWay: 0, outcome: { kind: 'open' }, changed: () => undefined };
      bodies.set(id, body);
      worker.ref();
      post({ kind: 'begin', body: id, fd, digests });
      const change = (): Promise<void> => new Promise((resolve) => (body.changed = resolve));
      return {
        untilUnderWay: async (count) => {
          while (body.underWay > count && body.outcome.kind === 'open') await change();
          if (body.outcome.kind === 'failed') throw body.outcome.error;
        },
        send: (slab, bytes) => {
          body.underWay += 1;
          bodyOfSlab.set(slab, body);
          if (hasExited) giveBack(slab);
          else post({ kind: 'bytes', body: id, slab, bytes });
        },
        end: async () => {
          post({ kind: 'end', body: id });
          while (body.outcome.kind === 'open') await change();
          if (body.outcome.kind === 'failed') throw body.outcome.error;
          forget(id);
          return body.outcome.digests;
        },
        abandon: async () => {
          post({ kind: 'abandon', body: id });
          while (body.underWay > 0) await change();
          forget(id);
        },
      };
    },
    close: async () => {
      await worker.terminate();
    },
  };
}
