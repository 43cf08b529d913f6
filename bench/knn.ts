// Exact nearest neighbours in a bank of 100,000 embeddings of ECHO-small at 16 kHz (2,688 values).
import { nearestNeighbours } from '../src/detection/knn.ts';
import { measure } from './measure.ts';

export type KnnBench = {
  rows: number;
  columns: number;
  queries: number;
  medianMs: number;
  gflopPerSecond: number;
  msPerQuery: number;
};

/** Numbers without structure, the same at every run. */
export function numbers(count: number): Float32Array {
  const values = new Float32Array(count);
  let state = 12345;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = state / 2 ** 31;
  }
  return values;
}

export async function benchKnn(rows = 100_000, columns = 2688, queries = 256): Promise<KnnBench> {
  const bank = { values: numbers(rows * columns), rows, columns };
  const query = { values: numbers(queries * columns), rows: queries, columns };
  const { medianMs } = await measure(() => nearestNeighbours(bank, query, { k: 5, metric: 'euclidean' }), 3);
  return {
    rows,
    columns,
    queries,
    medianMs,
    gflopPerSecond: (2 * rows * columns * queries) / medianMs / 1e6,
    msPerQuery: medianMs / queries,
  };
}
