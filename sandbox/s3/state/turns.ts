/** Lets changes of the same thing happen one after the other, in the order in which they were asked for. */
export interface Turns {
  /** How many are under way or waiting. */
  readonly busy: number;
  /** Runs `change` when all earlier ones with this name are over, however they ended. Not to be nested for one name. */
  take<T>(name: string, change: () => Promise<T>): Promise<T>;
}

/** Starts with nobody waiting. */
export function newTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  let busy = 0;
  return {
    get busy() {
      return busy;
    },
    take: async (name, change) => {
      const mine = (last.get(name) ?? Promise.resolve()).then(change);
      const over = mine.catch(() => undefined);
      last.set(name, over);
      busy += 1;
      try {
        return await mine;
      } finally {
        busy -= 1;
        if (last.get(name) === over) last.delete(name);
      }
    },
  };
}
