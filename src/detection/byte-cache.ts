// Values that are costly to make, as many as fit into a number of bytes; those used last stay.

export type ByteCache<T> = {
  /** The value of a key, made where it is not there. Several that ask for it at once share one making; a failure is not kept. */
  get(key: string, make: () => Promise<{ value: T; bytes: number }>): Promise<T>;
  /** Bytes of what is kept. */
  held(): number;
};

/**
 * A cache of at most `maxBytes`, by what `make` says of each value; the last one stays even where it alone is larger.
 * What is taken out of the cache is freed once nobody uses it.
 */
export function createByteCache<T>(maxBytes: number): ByteCache<T> {
  const kept = new Map<string, { value: T; bytes: number }>();
  const making = new Map<string, Promise<T>>();
  let held = 0;

  const keep = (key: string, made: { value: T; bytes: number }): T => {
    held += made.bytes;
    kept.set(key, made);
    for (const [oldest, { bytes }] of kept) {
      if (held <= maxBytes || kept.size === 1) break;
      kept.delete(oldest);
      held -= bytes;
    }
    return made.value;
  };

  return {
    async get(key, make) {
      const known = kept.get(key);
      if (known) {
        kept.delete(key);
        kept.set(key, known);
        return known.value;
      }
      const running = making.get(key);
      if (running) return running;
      const made = make()
        .then((one) => keep(key, one))
        .finally(() => making.delete(key));
      making.set(key, made);
      return made;
    },
    held: () => held,
  };
}
