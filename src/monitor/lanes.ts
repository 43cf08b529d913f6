// Tasks that must not overtake each other: one after the other under a key, side by side under different keys.

/** Runs `task` when all tasks given before under `key` have ended, well or not. Resolves and rejects as the task does. */
export type Lanes = <T>(key: string, task: () => Promise<T>) => Promise<T>;

/** Keys are forgotten when nothing waits under them. */
export function createLanes(): Lanes {
  const last = new Map<string, Promise<unknown>>();
  return async (key, task) => {
    const before = last.get(key) ?? Promise.resolve();
    const own = before.then(task, task);
    const settled = own.then(
      () => {},
      () => {},
    );
    last.set(key, settled);
    try {
      return await own;
    } finally {
      if (last.get(key) === settled) last.delete(key);
    }
  };
}
