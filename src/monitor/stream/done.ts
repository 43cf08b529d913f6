// Saying that something is done: once, and only when all of it is.

/** Calls `done` at the first call only. */
export function once(done: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    done();
  };
}

/** `count` functions, each safe to call more than once; `done` is called when the last of them was. */
export function shareDone(count: number, done: () => void): (() => void)[] {
  let left = count;
  return Array.from({ length: count }, () =>
    once(() => {
      left--;
      if (left === 0) done();
    }),
  );
}

/**
 * Lets at most `limit` things wait to be done: when one more comes, the one that waits longest is called done before it is.
 * A broker sends nothing more while too much is open, and a window may need more messages than it keeps open.
 */
export function createDoneLimit(limit: number): (done: () => void) => () => void {
  const open = new Set<() => void>();
  return (done) => {
    const now = once(() => {
      open.delete(now);
      done();
    });
    open.add(now);
    const [oldest] = open;
    if (open.size > limit) oldest();
    return now;
  };
}
