// The work of an update, which several threads can share: what one of them does with its part.
import { type AdamWConfig, type AdamWScalars, type AdamWState, adamW, sumSquares } from './optimiser.ts';

/** One parameter with all that an update of it needs. */
export type ParameterUpdate = { state: AdamWState; gradient: Float32Array; scalars: AdamWScalars };

export type UpdateWork =
  | { kind: 'sum'; gradients: readonly (readonly Float32Array[])[] }
  | { kind: 'adamW'; updates: readonly ParameterUpdate[]; config: AdamWConfig };

/** In place. Of sums it returns the squares, one number for each parameter. */
export function doUpdateWork(work: UpdateWork): number[] {
  if (work.kind === 'sum') return work.gradients.map(sumSquares);
  for (const { state, gradient, scalars } of work.updates) adamW(state, gradient, work.config, scalars);
  return [];
}

/** Runs of neighbours, about equally long together; some are empty where there are too few. */
export function equalRuns<T>(items: readonly T[], lengthOf: (item: T) => number, count: number): T[][] {
  const total = items.reduce((sum, item) => sum + lengthOf(item), 0);
  const runs = Array.from({ length: count }, (): T[] => []);
  let before = 0;
  for (const item of items) {
    const middle = before + lengthOf(item) / 2;
    runs[Math.min(count - 1, Math.floor((count * middle) / total))].push(item);
    before += lengthOf(item);
  }
  return runs;
}
