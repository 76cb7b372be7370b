/**
 * Does the same with each item of a source, up to `ahead` at once, and yields the results in the items' order. When the
 * reader leaves or something fails, what is under way is awaited, and its failures are dropped.
 */
export async function* mapAhead<Item, Result>(
  source: AsyncIterable<Item>,
  ahead: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void> {
  const pending: Promise<Result>[] = [];
  try {
    for await (const item of source) {
      const working = work(item);
      working.catch(() => undefined);
      pending.push(working);
      if (pending.length < ahead) continue;
      const first = pending[0];
      if (first !== undefined) yield await first;
      void pending.shift();
    }
    for (let first = pending[0]; first !== undefined; first = pending[0]) {
      yield await first;
      void pending.shift();
    }
  } finally {
    await Promise.allSettled(pending);
  }
}
