import { Worker } from 'node:worker_threads';
import { AppError, messageOf } from './errors.js';

/** A thread of our own that answers questions in the order in which they were asked. Disposing ends it. */
export interface Thread<Question, Answer> extends AsyncDisposable {
  /** Throws `internal` where the thread has come to an end. */
  readonly ask: (question: Question) => Promise<Answer>;
}

/** What a thread is started with. */
export interface ThreadOptions {
  /** What it does, for the message when it is gone: `adds up an object`. */
  readonly task: string;
  /** Its `workerData`. */
  readonly data?: unknown;
}

/** Starts the module at `url` in a thread. It does not keep the process alive but while a question is open. */
export function startThread<Question, Answer>(url: URL, options: ThreadOptions): Thread<Question, Answer> {
  const worker = new Worker(url, { workerData: options.data });
  worker.unref();
  const waiting: ((answer: { readonly value: Answer } | AppError) => void)[] = [];
  let dead: AppError | undefined;
  const fail = (reason: string): void => {
    dead ??= new AppError('internal', `The thread that ${options.task} is gone: ${reason}.`);
    for (const settle of waiting.splice(0)) settle(dead);
  };
  worker.on('message', (value: Answer) => waiting.shift()?.({ value }));
  worker.on('error', (error) => fail(messageOf(error)));
  worker.on('exit', () => fail('it has ended'));
  return {
    ask: async (question) => {
      const answer = await new Promise<{ readonly value: Answer } | AppError>((resolve) => {
        if (dead !== undefined) {
          resolve(dead);
          return;
        }
        waiting.push(resolve);
        worker.ref();
        worker.postMessage(question);
      });
      if (waiting.length === 0) worker.unref();
      if (answer instanceof AppError) throw answer;
      return answer.value;
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
