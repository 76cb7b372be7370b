import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// V8 lets its heap grow by so many per cent of what is in use before it collects garbage again; it reads this each time.
/** As the command has it from its start (`bin/memory.cts`). */
const usualPercent = 100;
/** Where millions of small objects pass. With large buffers, which V8 counts as well, it would never do anything else. */
const smallPercent = 20;

let users = 0;

/** Keeps V8's heap small, at some cost in time, until it is disposed; several may ask for it at once. */
export function smallHeap(): Disposable {
  users += 1;
  if (users === 1) setFlagsFromString(`--heap-growing-percent=${smallPercent}`);
  let isOver = false;
  return {
    [Symbol.dispose]: () => {
      if (isOver) return;
      isOver = true;
      users -= 1;
      if (users === 0) setFlagsFromString(`--heap-growing-percent=${usualPercent}`);
    },
  };
}

type Collect = (options: { readonly type: 'minor' }) => void;
let collect: Collect | undefined;

/**
 * Collects young garbage, for who makes much memory garbage of which V8 has only small objects. Left alone it waits for many
 * of them, and where all their memory comes to 64 MB it looks through the whole heap. Takes about a millisecond.
 */
export function collectYoung(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'minor' });
}
