// Which parts of a stream are still needed: a part is done once no window that holds a sample of it is open or to come.

import { once } from './done.ts';

type Holder = { from: number; to: number; open: number; released: boolean; done(): void };

export type Holders = {
  /** A part of samples [from, to), later than all before it. */
  add(from: number, to: number, done: () => void): void;
  /** A window over samples [from, to); what it returns says that the window is done, once however often it is called. */
  hold(from: number, to: number): (() => void) | undefined;
  /** No later window holds samples before `from`. */
  release(from: number): void;
};

/** Keeps only parts that a window may still need. Parts without a `done` are not its business. */
export function createHolders(): Holders {
  /** In order of `from`. */
  let kept: Holder[] = [];
  const settle = (holder: Holder): void => {
    if (holder.released && holder.open === 0) holder.done();
  };
  return {
    add(from, to, done) {
      kept.push({ from, to, open: 0, released: false, done });
    },
    hold(from, to) {
      const held = kept.filter((holder) => holder.from < to && holder.to > from);
      if (held.length === 0) return undefined;
      for (const holder of held) holder.open++;
      return once(() => {
        for (const holder of held) {
          holder.open--;
          settle(holder);
        }
      });
    },
    release(from) {
      const needed = kept.findIndex((holder) => holder.to > from);
      if (needed === 0) return;
      const released = kept.slice(0, needed < 0 ? kept.length : needed);
      kept = needed < 0 ? [] : kept.slice(needed);
      for (const holder of released) {
        holder.released = true;
        settle(holder);
      }
    },
  };
}
