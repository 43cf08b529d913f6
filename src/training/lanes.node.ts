// Lanes: parts of a batch whose gradients are worked out side by side. Much of a step runs on one core whatever the threads
// (copies, small operators): two lanes of one thread each keep two cores busier than one of two.
import { availableParallelism } from 'node:os';
import { loadProgramInWorker } from '../graph/executor.node.ts';
import { loadProgram } from '../graph/program.ts';
import type { Lanes } from './step.ts';

/** So many lanes; the first is the caller's thread, which waits for it, the others are threads of their own. */
export const createLanes = (count: number): Lanes => ({
  count,
  load: (model, runtime) => {
    if (count === 1) return Promise.all([loadProgram(model, runtime)]);
    const threads = Math.max(1, Math.floor((runtime.threads ?? availableParallelism()) / count));
    const load = (lane: number) => (lane === 0 ? loadProgram : loadProgramInWorker)(model, { ...runtime, threads });
    return Promise.all(Array.from({ length: count }, (_, lane) => load(lane)));
  },
});
