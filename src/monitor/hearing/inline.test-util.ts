// A pool without threads, for tests of what stands on it: it hears on the thread that asks.
import { createLanes } from '../lanes.ts';
import { createAnswers } from './answers.node.ts';
import { hearingOn } from './pool.node.ts';
import type { Task } from './tasks.ts';
import type { HearingPool } from './types.ts';

export function createInlinePool(): HearingPool {
  const answer = createAnswers({ folder: '.', anywhere: true, detectorBytes: 2 ** 26 });
  const lanes = createLanes();
  return hearingOn(
    {
      run: ({ message }) => lanes('', async () => (await answer((await message()).content as Task)).result),
      admit() {},
      load: () => ({ waiting: 0, running: 0, threads: 1 }),
      ping: async () => {},
      close: async () => {},
    },
    { threads: 1 },
  );
}
