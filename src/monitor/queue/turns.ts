// Turns of a worker's lanes: many recordings side by side, or one alone that is suspected of killing whoever hears it.

export type Turns = {
  /** Waits for its turn. @returns how to end it */
  take(alone: boolean): Promise<() => void>;
};

type Waiting = { alone: boolean; begin: () => void };

/** In the order they came; what came later does not overtake one that waits to be alone. */
export function createTurns(): Turns {
  const waiting: Waiting[] = [];
  let running = 0;
  let isAlone = false;

  const next = (): void => {
    for (;;) {
      const [first] = waiting;
      if (!first || isAlone || (first.alone && running > 0)) return;
      waiting.shift();
      running++;
      isAlone = first.alone;
      first.begin();
    }
  };

  return {
    take(alone) {
      return new Promise((resolve) => {
        let ended = false;
        const end = (): void => {
          if (ended) return;
          ended = true;
          running--;
          if (alone) isAlone = false;
          next();
        };
        waiting.push({ alone, begin: () => resolve(end) });
        next();
      });
    },
  };
}
