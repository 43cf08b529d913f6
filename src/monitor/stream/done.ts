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
