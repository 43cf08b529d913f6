// An exchange between processes that are none: for tests of the loop.
import { createMean, type Exchange, packState, unpackState } from './exchange.ts';

/** Where states are put by round and rank. As on a server, what was put stands, so that a rank may come again. */
export function memoryExchanges(world: number): { join(rank: number): Exchange; rounds: Set<number> } {
  const states = new Map<string, Float32Array>();
  const rounds = new Set<number>();
  const waiting: (() => void)[] = [];
  const take = async (name: string): Promise<Float32Array> => {
    for (;;) {
      const found = states.get(name);
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return {
    rounds,
    join: (rank) => ({
      world,
      rank,
      async average(round, state) {
        rounds.add(round);
        const packed = packState(state);
        const name = `${round}/${rank}`;
        if (!states.has(name)) states.set(name, packed);
        for (const resume of waiting.splice(0)) resume();
        const mean = createMean(packed.length);
        for (let r = 0; r < world; r++) mean.add(await take(`${round}/${r}`));
        unpackState(mean.mean(), state);
      },
      close: async () => {},
    }),
  };
}
