// Bytes that come in chunks of any size, read in pieces of the size that is needed.
import { concatenate } from '../../signal/concatenate.ts';

export type ByteReader = {
  /** The next `count` bytes, or as many as are left. */
  take(count: number): Promise<Uint8Array>;
  /** Passes over bytes without keeping them; returns how many there were. */
  skip(count: number): Promise<number>;
  /** What comes next, as it comes; at most `most` bytes. Undefined at the end. */
  next(most: number): Promise<Uint8Array | undefined>;
};

/** Holds what `take` was asked for, and the rest of one chunk. `signal` ends it as the end of the bytes does. */
export function createByteReader(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): ByteReader {
  const iterator = chunks[Symbol.asyncIterator]();
  let left: Uint8Array = new Uint8Array(0);
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

  async function next(most: number): Promise<Uint8Array | undefined> {
    while (left.length === 0) {
      if (signal.aborted) return undefined;
      const pending = iterator.next();
      // An input that is closed while it is read rejects; nobody waits for it any more.
      pending.catch(() => {});
      const found = await Promise.race([pending, aborted]);
      if (found === undefined || found.done) return undefined;
      left = found.value;
    }
    const piece = left.subarray(0, most);
    left = left.subarray(piece.length);
    return piece;
  }

  return {
    next,
    async take(count) {
      const pieces: Uint8Array[] = [];
      for (let missing = count; missing > 0; ) {
        const piece = await next(missing);
        if (!piece) break;
        pieces.push(piece);
        missing -= piece.length;
      }
      return concatenate(Uint8Array, pieces);
    },
    async skip(count) {
      let missing = count;
      while (missing > 0) {
        const piece = await next(missing);
        if (!piece) break;
        missing -= piece.length;
      }
      return count - missing;
    },
  };
}
